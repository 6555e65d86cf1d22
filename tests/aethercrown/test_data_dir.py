import os
import stat
import subprocess
import sys

import pytest

from aethercrown import data_dir


def test_a_new_folder_is_private_and_a_relative_one_counts_from_the_repository(tmp_path):
    made = data_dir.folder(str(tmp_path / "a" / "b"))
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    relative = os.path.relpath(tmp_path / "c", data_dir.ROOT)
    assert data_dir.folder(relative).samefile(tmp_path / "c")


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path):
    tmp_path.chmod(0o755)
    assert data_dir.folder(str(tmp_path)) == tmp_path
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_folder_that_cannot_be_made_is_told_with_its_path(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file/inside"):
        data_dir.folder(str(tmp_path / "file" / "inside"))


def test_a_secret_is_made_once_private_and_then_read(tmp_path):
    first = data_dir.secret(tmp_path, "secret_key")
    assert len(first) == 64
    assert data_dir.secret(tmp_path, "secret_key") == first
    assert data_dir.secret(tmp_path, "pepper") != first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert {each.name for each in tmp_path.iterdir()} == {"secret_key", "pepper"}


ASKING = """
import pathlib, runpy, sys
secret = runpy.run_path(sys.argv[1])["secret"]
for number in range(32):
    print(secret(pathlib.Path(sys.argv[2]), str(number)))
"""


def test_processes_that_ask_at_once_get_one_secret(tmp_path):
    command = [sys.executable, "-I", "-S", "-c", ASKING, data_dir.__file__, str(tmp_path)]
    asking = [
        subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own command
        for _ in range(6)
    ]
    answers = {process.communicate()[0] for process in asking}
    (told,) = answers
    assert len(set(told.splitlines())) == 32
    assert {process.returncode for process in asking} == {0}


def test_a_secret_that_another_wrote_in_between_wins(tmp_path, monkeypatch):
    link = os.link

    def beaten(draft, path):
        path.write_text("theirs")
        link(draft, path)

    monkeypatch.setattr(os, "link", beaten)
    assert data_dir.secret(tmp_path, "secret_key") == "theirs"
    assert [each.name for each in tmp_path.iterdir()] == ["secret_key"]


def test_the_broker_is_known_only_while_its_file_is_there(tmp_path):
    assert data_dir.stored(tmp_path, data_dir.BROKER_URL_FILE) == ""
    for url in ("redis://one", "redis://two"):
        data_dir.replace_private(tmp_path / "broker.url", url)
        assert data_dir.stored(tmp_path, data_dir.BROKER_URL_FILE) == url
    assert stat.S_IMODE((tmp_path / "broker.url").stat().st_mode) == 0o600
    (tmp_path / "broker.url").write_text("")
    assert data_dir.stored(tmp_path, data_dir.BROKER_URL_FILE) == ""


def test_a_secret_that_a_former_version_made_is_read_and_none_is_made(tmp_path):
    assert data_dir.stored(tmp_path, "pepper") == ""
    made = data_dir.secret(tmp_path, "pepper")
    assert data_dir.stored(tmp_path, "pepper") == made
