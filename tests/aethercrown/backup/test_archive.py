"""A back-up is one private file, verified before it gets its name; other files are refused."""

import io
import stat
import tarfile
from dataclasses import replace

import pytest

from aethercrown.backup import archive, manifest, stream
from aethercrown.backup.manifest import MemberDigest
from aethercrown.backup.stream import ArchiveDamaged
from tests.aethercrown.backup.test_manifest import ONE

KEY = "k" * 40


@pytest.fixture
def files(tmp_path):
    """A database and a file of anchors."""
    database, anchors = tmp_path / "db", tmp_path / "lines"
    database.write_bytes(b"rows" * 1000)
    anchors.write_text("{}\n")
    return {"database.sqlite3": database, "anchors/2026-11.jsonl": anchors}


@pytest.fixture
def contents(files):
    return replace(ONE, members={name: manifest.member(path) for name, path in files.items()})


@pytest.mark.parametrize("key", [KEY, ""])
def test_what_is_written_is_unpacked(tmp_path, files, contents, key):
    target = tmp_path / "one.backup"
    archive.write(target, contents, files, key)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert archive.unpack(target, key) == contents
    assert archive.unpack(target, key, tmp_path / "out") == contents
    for name, path in files.items():
        assert (tmp_path / "out" / name).read_bytes() == path.read_bytes()
    assert not list(tmp_path.glob(".*partial"))


def test_a_file_that_changes_meanwhile_fails_the_backup(tmp_path, files, contents):
    files["anchors/2026-11.jsonl"].write_text("[]\n")
    target = tmp_path / "one.backup"
    target.write_text("the one before")
    with pytest.raises(ArchiveDamaged, match="differs from the manifest"):
        archive.write(target, contents, files, "")
    assert target.read_text() == "the one before"
    assert not list(tmp_path.glob(".*partial"))


def test_a_file_that_is_read_back_differently_is_deleted(tmp_path, files, contents, monkeypatch):
    monkeypatch.setattr(archive, "unpack", lambda *_: None)
    with pytest.raises(ArchiveDamaged, match="differs when it is read back"):
        archive.write(tmp_path / "one.backup", contents, files, "")


def packed(tmp_path, *members):
    """A file that looks like a back-up, with these members in this order."""
    target = tmp_path / "odd.backup"
    with target.open("wb") as file:
        file.write(stream.PLAIN)
        with tarfile.open(fileobj=file, mode="w|gz") as tar:
            for name, data in members:
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    return target


EVIL = "../outside"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([], "incomplete"),
        ([("x", b"1")], "x does not belong"),
        ([("manifest.json", ONE.text().encode())], "incomplete"),
        ([("manifest.json", ONE.text().encode())] * 2, "manifest.json does not belong"),
        ([("manifest.json", b"{}")], "another version"),
        (
            [
                (
                    "manifest.json",
                    replace(ONE, members={EVIL: MemberDigest(0, "")}).text().encode(),
                ),
                (EVIL, b""),
            ],
            "outside differs",
        ),
    ],
)
def test_what_does_not_belong_is_refused(tmp_path, members, words):
    with pytest.raises(ArchiveDamaged, match=words):
        archive.unpack(packed(tmp_path, *members), "", tmp_path / "out")
    assert not (tmp_path / "outside").exists()


def test_garbage_and_a_missing_file_have_different_errors(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(stream.PLAIN + b"garbage")
    with pytest.raises(ArchiveDamaged, match="cannot be read"):
        archive.unpack(path, "")
    with pytest.raises(FileNotFoundError):
        archive.unpack(tmp_path / "none", "")
