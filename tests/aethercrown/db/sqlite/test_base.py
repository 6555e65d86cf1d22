"""On a database file of its own, whichever database the tests run on."""

import os
from threading import Event, Lock, Thread
from time import monotonic, sleep

import pytest
from django.db import connections
from django.db.utils import OperationalError

from aethercrown.backup.sqlite import SqliteStore
from aethercrown.db.sqlite import base
from aethercrown.db.sqlite.base import DatabaseWrapper, FifoLock

LONG = 30.0


@pytest.fixture
def connect(tmp_path, django_db_blocker):
    """Makes connections to one file, with a table of counts."""
    made = []
    plain = {
        **connections["default"].settings_dict,
        "NAME": tmp_path / "rows.sqlite3",
        "CONN_HEALTH_CHECKS": False,
    }

    def one(timeout=0.05):
        options = {
            "timeout": timeout,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        }
        connection = DatabaseWrapper({**plain, "OPTIONS": options}, alias="other")
        connection.inc_thread_sharing()
        made.append(connection)
        return connection

    with django_db_blocker.unblock():
        run(one(), "CREATE TABLE counts (number integer)")
        run(made[0], "INSERT INTO counts VALUES (0)")
        yield one
        for connection in made:
            connection.close()


def run(connection, sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone() if sql.startswith("SELECT") else None


def begin(connection):
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)


def line_of(connection):
    return base._lines[str(connection.settings_dict["NAME"])]


def is_free(connection):
    line = line_of(connection)
    if not line.enter(0):
        return False
    line.leave()
    return True


def test_a_transaction_holds_the_turn_to_its_end(connect):
    first = connect()
    for end in (first.commit, first.rollback, first.close):
        begin(first)
        assert not is_free(first)
        run(first, "UPDATE counts SET number = number + 1")
        assert not is_free(first)
        end()
        assert is_free(first)
        if end != first.close:
            first.set_autocommit(True)
    assert run(connect(), "SELECT number FROM counts") == (1,)


def test_reading_needs_no_turn(connect):
    first, second = connect(), connect()
    begin(first)
    assert run(second, "SELECT number FROM counts") == (0,)
    first.rollback()


@pytest.mark.parametrize(
    "write",
    [
        "INSERT INTO counts VALUES (1)",
        "\n  update counts SET number = 3",
        "DELETE FROM counts",
        "REPLACE INTO counts VALUES (1)",
    ],
)
def test_a_write_by_itself_waits_for_its_turn_and_is_told_when_none_comes(connect, write):
    first, second = connect(), connect()
    begin(first)
    with pytest.raises(OperationalError, match=r"not acquired within 0\.05 s; 0 threads wait"):
        run(second, write)
    first.rollback()
    run(second, write)
    assert is_free(first)


def test_a_statement_that_fails_gives_the_turn_back(connect):
    first = connect()
    with pytest.raises(OperationalError):
        run(first, "INSERT INTO nowhere VALUES (1)")
    assert is_free(first)


def test_a_transaction_that_another_process_keeps_from_beginning_gives_the_turn_back(connect):
    first, second = connect(), connect()
    begin(first)
    first._turn.leave()  # as if it stood in another process's line
    first._turn = None
    with pytest.raises(OperationalError, match="database is locked"):
        begin(second)
    assert is_free(second)
    first.rollback()


def test_a_connection_that_never_wrote_closes_without_a_turn(connect):
    first, second = connect(), connect()
    begin(first)
    run(second, "SELECT number FROM counts")
    second.close()
    assert not is_free(first)
    first.rollback()


def test_everybody_in_a_crowd_is_served(connect):
    failed, start = [], Event()

    def add(connection):
        start.wait(LONG)
        try:
            for _ in range(20):
                begin(connection)
                [count] = run(connection, "SELECT number FROM counts")
                run(connection, "UPDATE counts SET number = %s", count + 1)
                connection.commit()
                connection.set_autocommit(True)
        except OperationalError as error:
            failed.append(str(error))
        finally:
            connection.close()

    threads = [Thread(target=add, args=(connect(LONG),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    start.set()
    for thread in threads:
        thread.join(LONG)
    assert failed == []
    assert run(connect(), "SELECT number FROM counts") == (400,)


def test_a_kept_connection_to_a_replaced_file_is_opened_again(connect, tmp_path):
    kept = connect()
    kept.settings_dict |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
    run(kept, "UPDATE counts SET number = 1")
    kept.close_if_unusable_or_obsolete()
    assert kept.connection is not None
    with kept.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(tmp_path / "rows.sqlite3.restored")])
    SqliteStore(tmp_path / "rows.sqlite3").swap("restored", "former")
    kept.close_if_unusable_or_obsolete()  # at the start of each request
    run(kept, "UPDATE counts SET number = 2")
    assert run(connect(), "SELECT number FROM counts") == (2,)
    (tmp_path / "rows.sqlite3").unlink()
    assert not kept.is_usable()


def test_a_forked_process_has_a_line_of_its_own(connect):
    first = connect()
    begin(first)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if not base._lines else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not is_free(first)
    first.rollback()


PATIENCE = 30.0


def until(true):
    give_up = monotonic() + PATIENCE
    while not true():
        assert monotonic() < give_up
        sleep(0.001)


@pytest.fixture
def line():
    made = FifoLock()
    assert made.enter(0)
    return made


def test_an_empty_line_lets_in_at_once_and_again_after_leaving(line):
    line.leave()
    assert line.enter(0)


def test_whoever_waits_longest_is_next(line):
    served = []

    def serve(number):
        assert line.enter(PATIENCE)
        served.append(number)
        line.leave()

    threads = []
    for number in range(20):
        threads.append(Thread(target=serve, args=(number,)))
        threads[-1].start()
        until(lambda number=number: len(line) == number + 1)
    line.leave()
    for thread in threads:
        thread.join(PATIENCE)
    assert served == list(range(20))
    assert line.enter(0)


def test_whoever_waited_long_enough_steps_out_and_the_next_is_served(line):
    assert not line.enter(0.01)
    assert len(line) == 0
    line.leave()
    assert line.enter(0)


def test_only_one_is_in_at_a_time():
    line, inside, most = FifoLock(), [], []

    def work():
        for _ in range(50):
            assert line.enter(PATIENCE)
            inside.append(1)
            most.append(len(inside))
            sleep(0)
            inside.pop()
            line.leave()

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert (len(most), max(most)) == (400, 1)


def test_a_turn_that_comes_at_the_last_moment_is_taken(line):
    mine = Lock()  # popped from the line already, and its owner's time is up
    assert line._late(mine)


def test_a_temporary_table_is_filled_while_another_writes(connect):
    one, other = connect(), connect()
    begin(one)
    run(one, "UPDATE counts SET number = 1")
    run(other, "CREATE TABLE temp.own (number integer)")
    run(other, "INSERT INTO temp.own VALUES (5)")
    with pytest.raises(OperationalError):
        run(other, "INSERT INTO counts SELECT number FROM temp.own")
    one.commit()
    run(other, "INSERT INTO counts SELECT number FROM temp.own")
    assert run(one, "SELECT sum(number) FROM counts") == (6,)
