"""Upgrading is a promise: a database of the first schema is brought to the present one, whole."""

import sqlite3
from contextlib import closing

import pytest

from tests import template
from tests.upgrade import database


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("upgrade") / "data"
    database.restore(folder)
    database.manage(folder, "migrate", "-v0")
    return folder


def test_the_kept_database_gets_the_present_tables(upgraded, tmp_path):
    template.migrated_folder(tmp_path / "fresh")
    fresh = database.tables(tmp_path / "fresh" / database.NAME)
    assert database.tables(upgraded / database.NAME) == fresh


def test_its_rows_are_still_there(upgraded):
    with closing(sqlite3.connect(upgraded / database.NAME)) as rows:
        for query, expected in (
            ("SELECT count(*) FROM marketing_performance", 2),
            ("SELECT count(*) FROM revenue_customer WHERE external_id = 'acme'", 1),
            ("SELECT count(*) FROM security_apikey WHERE name = 'upgrade'", 1),
        ):
            assert rows.execute(query).fetchone() == (expected,)
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_is_sealed_in_it_opens_with_its_keys(upgraded):
    assert database.manage(upgraded, "kek_check").startswith("upgrades: 2 rows")
    assert database.manage(upgraded, "check") == "System check identified no issues (0 silenced).\n"
