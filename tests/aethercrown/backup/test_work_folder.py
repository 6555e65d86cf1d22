"""The folder that holds rows in the clear while a back-up is made or restored."""

import stat

import pytest

from aethercrown.backup import work_folder


def test_it_is_private_and_gone_at_the_end_also_after_an_error(tmp_path):
    def fill():
        with work_folder.opened(tmp_path, "backup") as (folder, name):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert folder.name == f".aethercrown-backup-{name}"
            raise KeyError("full")

    with pytest.raises(KeyError, match="full"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_deleted_with_what_it_names(tmp_path):
    left = tmp_path / ".aethercrown-restore-left"
    left.mkdir()
    (left / "lock").touch()
    (left / "database.sqlite3").write_text("rows in the clear")
    other, begun = tmp_path / ".aethercrown-backup-left", tmp_path / ".aethercrown-restore-begun"
    other.mkdir()
    (other / "lock").touch()
    begun.mkdir()  # its lock is about to be made
    discarded: list[str] = []
    with (
        work_folder.opened(tmp_path, "restore", discarded.append) as (first, _),
        work_folder.opened(tmp_path, "restore", discarded.append) as (second, _),
    ):
        assert discarded == ["left"]
        assert {each.name for each in tmp_path.iterdir()} == {
            first.name, second.name, other.name, begun.name
        }  # fmt: skip
