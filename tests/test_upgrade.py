"""Upgrading is a promise: a database of the first schema is brought to the present one, whole."""

import sqlite3
from contextlib import closing

import pytest

from tests import template
from tests.upgrade import database

WEBHOOK = """INSERT INTO operations_destination (uuid, name, channel, address, sealed_secret,
    least_severity, takes_alerts, takes_digest, takes_anchors, is_enabled, created_at)
    VALUES ('7', 'chat', 'webhook', ?, '', 'warning', 1, 0, 0, 1, '2026-01-01')"""


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("upgrade") / "data"
    database.restore(folder)
    with closing(sqlite3.connect(folder / database.NAME)) as rows, rows:
        rows.execute(WEBHOOK, ["https://chat.example/before-it-was-sealed"])
    database.manage(folder, "migrate", "-v0")
    return folder


def test_the_kept_database_is_upgraded_whole(upgraded, tmp_path):
    """One test, as each process that runs one of several would migrate it again, in 10 s."""
    tables_are_the_present_ones(upgraded, tmp_path)
    rows_are_still_there(upgraded)
    what_is_sealed_opens_with_its_keys(upgraded)
    what_stood_in_plain_is_sealed_and_gone_from_the_file(upgraded)


def tables_are_the_present_ones(upgraded, tmp_path):
    template.migrated_folder(tmp_path / "fresh")
    fresh = database.tables(tmp_path / "fresh" / database.NAME)
    assert database.tables(upgraded / database.NAME) == fresh


def rows_are_still_there(upgraded):
    with closing(sqlite3.connect(upgraded / database.NAME)) as rows:
        for query, expected in (
            ("SELECT count(*) FROM marketing_performance", 2),
            ("SELECT count(*) FROM revenue_customer WHERE external_id = 'acme'", 1),
            ("SELECT count(*) FROM security_apikey WHERE name = 'upgrade'", 1),
        ):
            assert rows.execute(query).fetchone() == (expected,)
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def what_is_sealed_opens_with_its_keys(upgraded):
    assert database.manage(upgraded, "kek_check").startswith("upgrades: 3 rows")


def what_stood_in_plain_is_sealed_and_gone_from_the_file(upgraded):
    with closing(sqlite3.connect(upgraded / database.NAME)) as rows:
        ((address,),) = rows.execute("SELECT address FROM operations_destination")
    assert address.startswith('["upgrades"')
    for file in upgraded.glob(f"{database.NAME}*"):
        assert b"before-it-was-sealed" not in file.read_bytes()
