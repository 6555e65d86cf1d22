"""The health of a connection that a thread keeps."""

import os
import signal
import time

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from aethercrown.db.postgresql.base import DatabaseWrapper
from aethercrown.embedded import postgres
from tests import rig

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's backend"),
]


def test_a_healthy_connection_is_not_asked(monkeypatch):
    connection.ensure_connection()
    with CaptureQueriesContext(connection) as queries:
        assert connection.is_usable()
    assert not queries.captured_queries


def test_one_that_the_server_ended_is_replaced_before_the_next_request():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (ended,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [ended])
    other.close()
    assert not connection.is_usable()
    connection.close()
    assert not connection.is_usable()


@pytest.fixture
def own_server():
    """A server of the test's own, and a kept connection to it."""
    with postgres.folder() as place:
        uid = postgres.NOBODY_UID if os.geteuid() == 0 else 0
        if uid:
            os.chown(place, uid, uid)
        cluster = postgres.Cluster(place, postgres.binaries(place, uid), uid)
        cluster.initialise()
        server = [cluster.launch()]
        changes = {"HOST": str(place), "NAME": "postgres", "USER": "postgres", "PORT": ""}
        kept = DatabaseWrapper({**connection.settings_dict, **changes}, alias="other")
        yield cluster, server, kept
        kept.close()
        server[0].stop()


def read(kept):
    """A request: the connection is checked, and used; the server process that answered."""
    kept.close_if_unusable_or_obsolete()
    with kept.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def wait_for_end(pid):
    """Return once the process is gone: one whose parent was killed notices that a moment later."""
    give_up = time.monotonic() + 30
    while rig.is_alive(pid):
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_a_restart_of_the_server_fails_no_later_request(own_server, end):
    cluster, server, kept = own_server
    for is_used_while_down in (False, True):
        backend = read(kept)
        os.kill(server[0].pid, end)
        server[0].process.wait()
        wait_for_end(backend)
        if is_used_while_down:
            with pytest.raises(OperationalError):
                read(kept)
        server[0] = cluster.launch()
    assert read(kept) != backend


def test_a_transaction_that_the_server_ended_is_not_continued(own_server):
    cluster, _server, kept = own_server
    assert read(kept)
    with psycopg.connect(
        host=str(cluster.folder), user="postgres", dbname="postgres", autocommit=True
    ) as other:
        kept.set_autocommit(False)
        with kept.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            other.execute("SELECT pg_terminate_backend(%s, 5000)", cursor.fetchone())
        with pytest.raises(OperationalError), kept.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert read(kept)
