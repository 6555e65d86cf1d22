"""A snapshot of a SQLite file in use, and the swap that keeps the former file."""

import sqlite3
from contextlib import closing

import pytest

from aethercrown.backup import sqlite
from aethercrown.backup.sqlite import SqliteStore
from aethercrown.embedded import lock
from aethercrown.embedded.servers import ServerUnavailable


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "live.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE one (id INTEGER PRIMARY KEY AUTOINCREMENT, text)")
        connection.execute("CREATE TABLE django_migrations (id INTEGER, app, name)")
        connection.execute(
            "INSERT INTO django_migrations VALUES (1, 'a', '0001'), (2, 'a', '0002')"
        )
        connection.executemany("INSERT INTO one (text) VALUES (?)", [["x"], [None], [b"\xff"]])
        connection.commit()
    return path


def test_the_snapshot_has_commits_only_also_those_of_the_wal(database, tmp_path):
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("INSERT INTO one (text) VALUES ('committed')")
        writer.commit()
        writer.execute("INSERT INTO one (text) VALUES ('not yet')")
        (tmp_path / "work").mkdir()
        copy, tables, _migrations = SqliteStore(database).dump(tmp_path / "work")
    assert tables["one"].rows == 4
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT text FROM one WHERE id = 4").fetchone() == ("committed",)


def test_tables_and_emptiness_are_read(database, tmp_path):
    assert {name: table.rows for name, table in sqlite.tables(database).items()} == {
        "django_migrations": 2,
        "one": 3,
    }
    assert not SqliteStore(database).is_empty()
    assert SqliteStore(tmp_path / "none").is_empty()
    bare = SqliteStore(tmp_path / "bare")
    sqlite3.connect(bare.path).close()
    assert bare.is_empty()
    with closing(sqlite3.connect(tmp_path / "bare")) as connection:
        connection.execute("PRAGMA user_version = 7")
    assert bare.is_empty()


def test_a_store_is_dumped_restored_beside_and_swapped(database, tmp_path):
    store = SqliteStore(database)
    (tmp_path / "work").mkdir()
    dump, tables, migrations = store.dump(tmp_path / "work")
    assert migrations == {"a": ["0001", "0002"]}
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM one")
        connection.commit()
    assert store.restore(dump, "beside") == tables
    store.swap("beside", "aside")
    assert sqlite.tables(database) == tables
    assert sqlite.tables(tmp_path / "live.sqlite3.aside")["one"].rows == 0
    assert not store.is_empty()


def test_a_swap_without_a_former_file_keeps_none(database, tmp_path):
    store = SqliteStore(tmp_path / "new.sqlite3")
    (tmp_path / "work").mkdir()
    dump, _tables, _migrations = SqliteStore(database).dump(tmp_path / "work")
    store.restore(dump, "beside")
    store.swap("beside", "aside")
    assert not (tmp_path / "new.sqlite3.aside").exists()
    store.discard("beside")


def test_a_damaged_file_is_not_restored(database, tmp_path):
    with closing(sqlite3.connect(database)) as connection:
        connection.executemany("INSERT INTO one (text) VALUES (?)", [["y" * 900]] * 90)
        connection.commit()
    (tmp_path / "work").mkdir()
    dump, _tables, _migrations = SqliteStore(database).dump(tmp_path / "work")
    whole = bytearray(dump.read_bytes())
    whole[8192:16384] = bytes(8192)
    dump.write_bytes(whole)
    with pytest.raises((ValueError, sqlite3.DatabaseError), match=r"integrity|malformed"):
        SqliteStore(database).restore(dump, "beside")


def test_nothing_is_swapped_while_the_platform_runs(database):
    store = SqliteStore(database)
    handle = lock.lock_folder(database.parent)
    with pytest.raises(ServerUnavailable, match="in use by process"):
        store.lock()
    assert handle


def test_rows_that_another_process_keeps_in_the_log_are_not_lost_by_a_swap(
    database, tmp_path, monkeypatch
):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.05)
    store = SqliteStore(database)
    (tmp_path / "work").mkdir()
    dump, tables, _migrations = store.dump(tmp_path / "work")
    store.restore(dump, "beside")
    with closing(sqlite3.connect(database)) as writer, closing(sqlite3.connect(database)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM one").fetchone()
        writer.execute("INSERT INTO one (text) VALUES ('later')")
        writer.commit()
        with pytest.raises(ServerUnavailable, match="in use by another process"):
            store.swap("beside", "aside")
    assert sqlite.tables(database)["one"].rows > tables["one"].rows
