"""What apps say of rows that are replaced."""

from django.db import DatabaseError

from aethercrown.backup import hooks
from aethercrown.backup.hooks import BackupHook


def broken():
    raise DatabaseError("file is not a database")


def test_what_was_noted_is_compared_by_the_part_that_noted_it(monkeypatch):
    known = [
        BackupHook("keys", note=lambda: {"version": 3}, compare=lambda before: [f"was {before}"]),
        BackupHook("silent", compare=lambda _before: ["never asked"]),
    ]
    monkeypatch.setattr(hooks, "_parts", {part.name: part for part in known})
    assert hooks.measure() == {"keys": {"version": 3}, "silent": None}
    assert hooks.compare(hooks.measure()) == ["was {'version': 3}"]
    assert hooks.compare({}) == []


def test_rows_that_cannot_be_read_are_replaced_all_the_same(monkeypatch):
    monkeypatch.setattr(hooks, "_parts", {"keys": BackupHook("keys", note=broken)})
    assert hooks.measure() == {}
