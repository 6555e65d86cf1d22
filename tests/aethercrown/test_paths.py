"""Commands resolve the paths that they are given, and overwrite nothing without --force."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from aethercrown import paths
from security.audit import services as audit
from tests.aethercrown.backup.test_stream import KEY

WRITERS = {
    "backup": ["backup", "--to"],
    "export": ["export_data", "channels", "--to"],
    "export by the former name": ["export_data", "channels", "--output"],
    "audit key": ["audit_key"],
    "evidence": ["evidence_pack", "--to"],
}
READERS = {
    "restore": ["restore", "--check"],
    "import": ["import_data", "channels"],
    "cases": ["rate_cases"],
    "experiments": ["experiment_cases"],
    "key": ["verify_audit", "--key-file"],
    "anchors": ["verify_audit", "--anchors"],
}
CASE = {"id": "a", "model": "per_unit", "price": {"unit": "0.333"}, "input": {"quantity": "1"}}
writers = pytest.mark.parametrize("command", WRITERS.values(), ids=WRITERS)
readers = pytest.mark.parametrize("command", READERS.values(), ids=READERS)


@pytest.fixture(autouse=True)
def here(settings, tmp_path, monkeypatch):
    """The current folder; the home folder is beside it."""
    settings.BACKUP_KEY, settings.AUDIT_ANCHORS = KEY, tmp_path / "anchors"
    folder = tmp_path / "here"
    folder.mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return folder


@pytest.mark.django_db
@writers
class TestWriting:
    def test_a_relative_path_starts_at_the_current_folder(self, command, here):
        call_command(*command, "new/file")
        assert (here / "new" / "file").stat().st_size

    def test_a_tilde_is_the_home_folder(self, command, here):
        call_command(*command, "~/file")
        assert (here.parent / "home" / "file").stat().st_size

    @pytest.mark.parametrize("given", ["made/", "there"])
    def test_a_trailing_slash_or_an_existing_folder_gets_a_named_file(self, command, given, here):
        (here / "there").mkdir()
        call_command(*command, given)
        (written,) = (here / given).iterdir()
        assert written.stat().st_size

    def test_an_existing_file_is_replaced_only_with_force(self, command, here):
        (here / "file").write_text("mine")
        with pytest.raises(CommandError, match=r"exists already \(--force replaces it\)\.$"):
            call_command(*command, "file")
        assert (here / "file").read_text() == "mine"
        call_command(*command, "file", "--force")
        assert (here / "file").read_bytes() != b"mine"

    def test_a_file_where_a_folder_is_meant_is_refused_in_one_sentence(self, command, here):
        (here / "file").write_text("mine")
        with pytest.raises(CommandError, match=r"[^.]+/here/file: [^.]+\.$"):
            call_command(*command, "file/")
        assert (here / "file").read_text() == "mine"


def provide(command: list[str], path: Path) -> None:
    """Write to `path` what the command reads."""
    if command[0] == "restore":
        call_command("backup", "--to", str(path))
    elif command[0] == "import_data":
        path.write_text("name\nsearch\n")
    elif command[0] == "rate_cases":
        path.write_text(json.dumps({"cases": [{**CASE, "expected_amount": "0.33"}]}))
    elif command[0] == "experiment_cases":
        ratio = {"users": [5, 5], "weights": [0.5, 0.5], "scipy_chisquare": 1.0}
        path.write_text(json.dumps({"srm": [ratio]}))
    elif command[-1] == "--key-file":
        call_command("audit_key", str(path))
    else:
        audit.record(stream="admin", event="e", subject="s")
        path.mkdir()


@pytest.mark.django_db
@readers
@pytest.mark.parametrize("given", ["file", "~/file"])
def test_what_is_read_is_found_from_the_current_and_the_home_folder(command, given):
    provide(command, paths.resolved(given))
    call_command(*command, given)


@pytest.mark.django_db
@readers
def test_what_is_missing_is_refused_in_one_sentence(command):
    with pytest.raises(CommandError, match=r"absent[^.]*\.$"):
        call_command(*command, "absent")


def test_an_unknown_user_after_a_tilde_is_a_name():
    assert paths.resolved("~nobody-of-this-name/file").parts[-2:] == (
        "~nobody-of-this-name",
        "file",
    )
