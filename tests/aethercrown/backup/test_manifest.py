"""A manifest says exactly what a back-up contains; every difference is named."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.backup import hooks, manifest
from aethercrown.backup.manifest import Manifest, MemberDigest, TableDigest
from tests.aethercrown.registries import isolated

ONE = Manifest(
    made_at="2026-11-22T12:00:00+00:00",
    vendor="sqlite",
    version="0.1.0",
    migrations={"security": ["0001_initial"]},
    tables={"a": TableDigest(2, "f" * 64)},
    members={"database.sqlite3": MemberDigest(10, "e" * 64)},
    needs={"security": {"keks": ["k1"]}},
)


def test_a_manifest_is_read_back_the_same():
    assert manifest.read(ONE.text()) == ONE


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 2}', '{"format": 1}'])
def test_another_text_is_refused(text):
    with pytest.raises(ValueError, match=r"another version|incomplete"):
        manifest.read(text)


def test_a_field_too_many_is_refused():
    text = json.dumps({**json.loads(ONE.text()), "more": 1})
    with pytest.raises(ValueError, match="incomplete"):
        manifest.read(text)


def test_a_files_digest_is_its_sha256(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert manifest.member(path) == MemberDigest(3, sha256(b"abc").hexdigest())


@given(
    st.lists(st.binary(max_size=5), max_size=8).flatmap(
        lambda rows: st.tuples(st.just(rows), st.permutations(rows))
    )
)
def test_the_order_of_rows_does_not_matter(orders):
    rows, other = orders
    assert manifest.table(rows) == manifest.table(other)


def test_a_row_that_is_there_twice_is_another_table():
    assert manifest.table([b"a", b"a"]) != manifest.table([b"a", b"b"])
    assert manifest.table([b"a", b"a", b"b"]).digest != manifest.table([b"a", b"b", b"b"]).digest
    assert manifest.table([]) == TableDigest(0, "0" * 64)


def test_every_difference_is_named():
    wanted = {
        "a": TableDigest(1, "x"),
        "b": TableDigest(1, "x"),
        "c": TableDigest(1, "x"),
        "e": TableDigest(1, "x"),
    }
    found = {
        "a": TableDigest(1, "x"),
        "b": TableDigest(2, "x"),
        "c": TableDigest(1, "y"),
        "d": TableDigest(1, "x"),
    }
    assert manifest.differences(wanted, found) == [
        "b has 2 rows instead of 1",
        "c has other contents",
        "d is only in the restored database",
        "e is only in the back-up",
    ]
    assert manifest.differences(wanted, wanted) == []


def test_migrations_are_listed_by_app():
    found = manifest.by_app([("security", "0001_initial"), ("new", "0001_a"), ("new", "0002_b")])
    assert found == {"security": ["0001_initial"], "new": ["0001_a", "0002_b"]}


def test_a_hook_without_functions_changes_nothing():
    with isolated(hooks.registered, [hooks.BackupHook("empty")]):
        assert hooks.needs() == {"empty": None}
        now = datetime(2026, 11, 22, 12, tzinfo=UTC)
        assert hooks.refusals({}) == hooks.finalize_restore(now, {}) == []
