"""The suite measures how long its write transactions hold SQLite's lock."""

import json

import pytest
from django.db import connection, transaction

from aethercrown.db.sqlite import base
from operations.health.models import Heartbeat
from tests import write_transactions
from tests.write_transactions import Blocks, Recorder


@pytest.fixture
def recorder(tmp_path):
    made = Recorder(tmp_path)
    made.test = "a test"
    yield made
    base.observers.remove(made.lock_held)


def test_the_outermost_block_that_writes_is_timed(recorder):
    noted = []
    blocks = Blocks(lambda _seconds, what: noted.append(what))

    def run(*statements):
        for each in statements:
            blocks(lambda _sql: None, each)

    run("SAVEPOINT test", "SAVEPOINT a", "SELECT 1", "RELEASE SAVEPOINT a")
    run("SAVEPOINT a", "SAVEPOINT b", "UPDATE x", "RELEASE SAVEPOINT b", "INSERT INTO y")
    assert noted == []
    run("RELEASE SAVEPOINT a", "RELEASE SAVEPOINT unknown", "RELEASE SAVEPOINT test")
    assert noted == ["UPDATE x"]


def test_the_longest_of_all_processes_are_listed(recorder, tmp_path):
    recorder.rows = [(0.2, "a", "UPDATE"), (0.1, "b", "INSERT")]
    recorder.pytest_sessionfinish()
    (tmp_path / "write_transactions.1.json").write_text(json.dumps([[0.3, "c", "DELETE"]]))
    found = write_transactions.longest(tmp_path)
    assert [each[1] for each in found] == ["c", "a", "b"]


@pytest.mark.django_db(transaction=True)
def test_a_real_commit_is_timed(recorder):
    recorder.is_committing = True
    with transaction.atomic():
        Heartbeat.objects.filter(name="nobody").update(name="somebody")
    wanted = ["a transaction on real commits"] if connection.vendor == "sqlite" else []
    assert [each[2] for each in recorder.rows] == wanted
