"""Files of values: what is written, who may read it, and every way in which it can fail."""

import errno
import grp
import json
import os
import pwd
import resource
import stat
import threading
from contextlib import contextmanager

import pytest

from security.rotation.channels import files
from security.rotation.channels.files import FileChannel, KubernetesManifest, PullChannel
from security.rotation.registry import (
    InvalidConfig,
    OutcomeUnknown,
    RotationContext,
    TargetRefused,
    no_other_secret,
)

CONFIG = {"path": "shop/db"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def commands(tmp_path):
    seen = tmp_path / "reloaded"
    return {"touch": ("/usr/bin/touch", str(seen)), "fail": ("/bin/false",), "gone": ("/no/such",)}


@pytest.fixture
def channel(folder, commands):
    return FileChannel(lambda: folder, lambda: commands)


def context(config=None, value="new", **detail):
    return RotationContext(
        "shop", CONFIG | (config or {}), 2, value, detail, "old", {}, no_other_secret
    )


def test_a_value_is_written_for_its_owner_only_and_read_back(channel, folder):
    channel.set(context())
    channel.test(context())
    written = folder / "shop" / "db"
    assert written.read_bytes() == b"new"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "shop").stat().st_mode) == 0o700
    assert [each.name for each in (folder / "shop").iterdir()] == ["db"]


def test_undoing_writes_the_current_value_again(channel, folder):
    channel.set(context())
    channel.undo(context())
    assert (folder / "shop" / "db").read_bytes() == b"old"


def test_a_file_that_somebody_changed_fails_the_test(channel, folder):
    channel.set(context())
    (folder / "shop" / "db").write_text("other", encoding="utf-8")
    with pytest.raises(TargetRefused, match="wrong answer"):
        channel.test(context())


def test_a_file_that_is_missing_fails_the_test(channel):
    with pytest.raises(TargetRefused, match="could not be read: no such file"):
        channel.test(context())


def test_the_formats_hold_the_role_too(channel, folder):
    channel.set(context({"format": "json"}, role="app_b"))
    known = json.loads((folder / "shop" / "db").read_bytes())
    assert known == {"key_id": "shop", "value": "new", "role": "app_b"}
    channel.set(context({"format": "env", "variable": "DB"}, role="app_b"))
    assert (folder / "shop" / "db").read_bytes() == b"DB='new'\nDB_ROLE='app_b'\n"
    channel.set(context({"format": "env", "variable": "DB"}))
    assert (folder / "shop" / "db").read_bytes() == b"DB='new'\n"
    with pytest.raises(TargetRefused, match="fits no environment file"):
        channel.set(context({"format": "env", "variable": "DB"}, value="a'b"))


def test_a_kubernetes_secret_is_a_manifest(folder, commands):
    kind = KubernetesManifest(lambda: folder, lambda: commands)
    config = {"path": "k8s/shop.json", "namespace": "shop", "secret": "shop-db"}
    kind.validate_config(config)
    kind.set(context(config, role="app_b"))
    kind.test(context(config, role="app_b"))
    made = json.loads((folder / "k8s" / "shop.json").read_bytes())
    assert (made["kind"], made["metadata"]) == ("Secret", {"name": "shop-db", "namespace": "shop"})
    assert made["data"] == {"value": "bmV3", "role": "YXBwX2I="}
    with pytest.raises(InvalidConfig, match="name of Kubernetes"):
        kind.validate_config(config | {"namespace": "A_B"})
    with pytest.raises(InvalidConfig):
        kind.validate_config(config | {"data_key": "a/b"})


def test_a_reload_command_of_the_list_runs_after_writing(channel, tmp_path):
    channel.set(context({"reload": "touch"}))
    assert (tmp_path / "reloaded").exists()


@pytest.mark.parametrize("name", ["fail", "gone", "unknown"])
def test_a_reload_that_fails_or_is_unknown_is_refused(channel, name):
    with pytest.raises(TargetRefused, match="reload command"):
        channel.set(context({"reload": name}))


def test_a_reload_that_hangs_is_unclear(channel, commands, monkeypatch):
    monkeypatch.setattr(files, "RELOAD_SECONDS", 0.05)
    commands["slow"] = ("/bin/sleep", "5")
    with pytest.raises(OutcomeUnknown, match="in time"):
        channel.set(context({"reload": "slow"}))


@pytest.mark.parametrize("where", ["parent", "file"])
def test_a_symbolic_link_leads_nowhere(channel, folder, tmp_path_factory, where):
    """The attack: a link in the folder, so that a value is written or read elsewhere."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "db").write_text("theirs", encoding="utf-8")
    if where == "parent":
        (folder / "shop").symlink_to(outside)
        with pytest.raises(TargetRefused, match="could not be written"):
            channel.set(context())
    else:
        (folder / "shop").mkdir()
        (folder / "shop" / "db").symlink_to(outside / "db")
        with pytest.raises(TargetRefused, match="could not be read"):
            channel.test(context())
        channel.set(context())  # the link itself is replaced
    assert (outside / "db").read_text("utf-8") == "theirs"


@contextmanager
def no_room(most):
    """This process can write files of `most` bytes only, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(channel, folder):
    channel.set(context(value="old"))
    with no_room(10):
        with pytest.raises(TargetRefused, match=r"could not be written: file too large\.$"):
            channel.set(context(value="x" * 43))
        channel.undo(context())  # the file has the current value already
    assert (folder / "shop" / "db").read_bytes() == b"old"
    assert [each.name for each in (folder / "shop").iterdir()] == ["db"]


def test_what_a_killed_write_left_is_deleted_by_the_next_one(channel, folder):
    channel.set(context(value="first"))
    (folder / "shop" / f".db.{'0a' * 8}").write_text("a value")
    (folder / "shop" / ".db.conf").write_text("theirs")
    channel.set(context())
    assert sorted(each.name for each in (folder / "shop").iterdir()) == [".db.conf", "db"]


def test_the_file_of_a_key_without_any_value_is_deleted(channel, folder):
    channel.set(context())
    for _ in range(2):
        channel.revoke(context())
        assert list((folder / "shop").iterdir()) == []
    (folder / "shop").rmdir()
    channel.revoke(context())
    (folder / "shop").write_text("no folder")
    with pytest.raises(TargetRefused, match="could not be deleted: not a directory"):
        channel.revoke(context())


def test_undoing_without_a_file_writes_one_and_an_undone_reload_is_repeated(channel, folder):
    channel.undo(context({"reload": "touch"}))
    assert (folder / "shop" / "db").read_bytes() == b"old"
    (folder / "reloaded").unlink()
    channel.undo(context({"reload": "touch"}))
    assert (folder / "reloaded").exists()


def test_a_reader_sees_the_old_or_the_new_value_and_never_a_part(channel, folder):
    values = {"a" * 200_000, "b" * 200_000}
    channel.set(context(value="a" * 200_000))
    seen: set[str] = set()
    over = threading.Event()

    def read():
        while not over.is_set():
            seen.add((folder / "shop" / "db").read_text("utf-8"))

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(10):
        for each in values:
            channel.set(context(value=each))
    over.set()
    thread.join()
    assert seen <= values


@pytest.mark.parametrize(
    "config",
    [{}, {"path": "/etc/passwd"}, {"path": "../x"}, {"path": "a/../b"}, {"path": ".ssh/x"},
     {"path": "a//b"}, {"path": "a/b/c/d/e/f"}, {"path": 7}, {"path": "a", "mode": "0666"},
     {"path": "a", "format": "yaml"}, {"path": "a", "format": "env"},
     {"path": "a", "format": "env", "variable": "a=b"}, {"path": "a", "reload": "rm"}],
)  # fmt: skip
def test_a_path_a_format_or_a_command_of_the_callers_own_is_refused(channel, config):
    with pytest.raises(InvalidConfig):
        channel.validate_config(config)


def test_without_a_folder_there_is_no_file(commands):
    homeless = FileChannel(lambda: None, dict)
    with pytest.raises(InvalidConfig, match="KEY_FILES_DIR"):
        homeless.validate_config(CONFIG)
    with pytest.raises(TargetRefused, match="could not be written"):
        homeless.set(context())
    assert homeless.described(context()) == "the file shop/db with version 2"


def test_without_a_current_value_there_is_nothing_to_write_again(channel, folder):
    channel.undo(RotationContext("shop", CONFIG, 2, "new", {}, None, {}, no_other_secret))
    assert not (folder / "shop").exists()


def test_a_pull_has_no_configuration():
    PullChannel().validate_config({})
    with pytest.raises(InvalidConfig):
        PullChannel().validate_config({"x": 1})


def names_in(folder):
    return [each.name for each in folder.iterdir()]


class TestTheOwner:
    MINE = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}

    def test_a_file_is_given_away_before_it_has_its_name(self, channel, folder, monkeypatch):
        given = []
        monkeypatch.setattr(
            os, "fchown", lambda _file, *ids: given.append((ids, names_in(folder / "shop")))
        )
        channel.validate_config({**CONFIG, **self.MINE})
        channel.set(context(self.MINE))
        ((ids, names),) = given
        assert ids == (os.getuid(), os.getgid())
        assert "db" not in names
        assert stat.S_IMODE((folder / "shop" / "db").stat().st_mode) == 0o600
        assert stat.S_IMODE((folder / "shop").stat().st_mode) == 0o711
        channel.set(context({"group": self.MINE["group"]}))
        assert given[1][0] == (-1, os.getgid())

    def test_a_worker_that_may_not_give_it_away_leaves_the_old_file(
        self, channel, folder, monkeypatch
    ):
        def refuse(*_arguments):
            raise PermissionError(errno.EPERM, "no")

        channel.set(context(value="former"))
        monkeypatch.setattr(os, "fchown", refuse)
        with pytest.raises(TargetRefused, match="not be written: operation not permitted"):
            channel.set(context(self.MINE))
        assert (folder / "shop" / "db").read_bytes() == b"former"
        assert names_in(folder / "shop") == ["db"]

    @pytest.mark.parametrize("part", ["owner", "group"])
    def test_an_account_that_this_machine_has_not_is_refused(self, channel, part):
        with pytest.raises(InvalidConfig, match="name of an account") as refused:
            channel.validate_config({**CONFIG, part: "0 or root"})
        assert refused.value.field == f"config.{part}"
        channel.validate_config({**CONFIG, part: "nobody-of-that-name"})  # another machine has it
        with pytest.raises(TargetRefused, match=f"The {part} of the file is not known"):
            channel.set(context({part: "nobody-of-that-name"}))
