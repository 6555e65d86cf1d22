"""Hooks compare the rows before a restore with the restored rows."""

from django.db import DatabaseError

from aethercrown.backup import hooks
from aethercrown.backup.hooks import BackupHook
from tests.aethercrown.registries import isolated


def broken():
    raise DatabaseError("file is not a database")


def test_a_hook_compares_its_own_snapshot():
    known = [
        BackupHook(
            "keys", snapshot=lambda: {"version": 3}, compare=lambda before: [f"was {before}"]
        ),
        BackupHook("silent", compare=lambda _before: ["never called"]),
    ]
    with isolated(hooks.registered, known):
        assert hooks.snapshot() == {"keys": {"version": 3}, "silent": None}
        assert hooks.compare(hooks.snapshot()) == ["was {'version': 3}"]
        assert hooks.compare({}) == []


def test_rows_that_cannot_be_read_are_replaced_all_the_same():
    with isolated(hooks.registered, [BackupHook("keys", snapshot=broken)]):
        assert hooks.snapshot() == {}
