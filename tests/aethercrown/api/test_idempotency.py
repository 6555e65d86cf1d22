"""A POST sent twice under one Idempotency-Key takes effect once and is answered alike."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from aethercrown.api import idempotency
from aethercrown.api.errors import Conflict
from aethercrown.crypto import sealing
from aethercrown.crypto.keyring import DecryptionFailed
from aethercrown.models import IdempotencyRecord
from tests.aethercrown.odd_urls import made

pytestmark = [pytest.mark.urls("tests.aethercrown.odd_urls"), pytest.mark.django_db]
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
EFFECT = "/api/v1/effect"


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch):
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.0)


def keyed(caller, key="k-1", path=EFFECT, body=None):
    return caller.send(path, body, headers={idempotency.HEADER: key})


def claim(key="k", digest="d", now=NOW):
    return idempotency.claim_key("key:1", key, digest, now)


BARE = {"new_key": None, "version": 2, "action_required": idempotency.GONE_MESSAGE}


def rotations(caller):
    return keyed(caller, path="/api/v1/secret").json()["data"]["rotations"]


def kept_text():
    return str(IdempotencyRecord.objects.values_list().get())


def test_what_is_asked_of_the_caller_already_stays_beside_what_is_gone():
    answer = {"new_key": "s", "action_required": "Paste it."}
    bare = idempotency.strip_secrets(answer, frozenset({"new_key"}))
    assert bare == {"new_key": None, "action_required": f"Paste it. {idempotency.GONE_MESSAGE}"}


@pytest.mark.django_db
def test_an_answer_without_a_secret_is_kept_as_it_is():
    body = '{"new_key": null}'
    row = idempotency.claim_key("key:1", "a", "digest", timezone.now())
    idempotency.store_response(row, 201, body, frozenset({"new_key"}))
    stored = IdempotencyRecord.objects.get(pk=row.pk)
    assert (stored.body, stored.sealed) == (body, "")


class TestOnTheWire:
    def test_the_same_call_again_replays_the_first_answer(self, caller):
        first, again = keyed(caller), keyed(caller)

        assert (first.status_code, first.json()) == (201, again.json() and first.json())
        assert again.content == first.content
        assert again.status_code == 201
        assert idempotency.REPLAYED not in first
        assert again[idempotency.REPLAYED] == "true"
        assert again["Content-Type"] == "application/json"
        assert made() == 1

    def test_without_the_header_every_call_counts(self, caller):
        caller.send(EFFECT)
        caller.send(EFFECT)
        assert made() == 2

    def test_the_order_and_the_spacing_of_a_body_do_not_matter(self, caller):
        keyed(caller, body='{"a": 1, "b": 2.50}')
        assert idempotency.REPLAYED in keyed(caller, body='{"b":2.50,  "a":1}')

    @pytest.mark.parametrize(
        ("path", "body"), [(EFFECT, '{"a": 2}'), (EFFECT + "/y", None), (EFFECT + "?x=1", None)]
    )
    def test_the_key_for_another_call_is_a_conflict(self, caller, path, body):
        keyed(caller)
        answer = keyed(caller, path=path, body=body)
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["code"] == "idempotency_key_reused"
        assert made() == 1

    def test_one_number_written_in_two_ways_is_one_body(self, caller):
        keyed(caller, body='{"a": 120, "b": [0, 1.50]}')
        assert idempotency.REPLAYED in keyed(caller, body='{"a": 120.0, "b": [0.0, 15e-1]}')
        assert keyed(caller, body='{"a": "120", "b": [0, 1.5]}').status_code == 409

    def test_a_failed_validation_is_not_pinned(self, caller):
        path = "/api/v1/checked"
        assert keyed(caller, path=path, body={"total": -1}).status_code == 400
        assert IdempotencyRecord.objects.count() == 0
        assert keyed(caller, path=path, body={"total": 10}).status_code == 200

    def test_two_callers_may_use_one_key(self, make_caller):
        keyed(make_caller())
        assert idempotency.REPLAYED not in keyed(make_caller())
        assert made() == 2

    def test_another_caller_gets_no_stored_secret_by_the_same_key(self, make_caller):
        for caller in (make_caller(), make_caller()):
            assert idempotency.REPLAYED not in keyed(caller, path="/api/v1/secret")
            assert idempotency.REPLAYED in keyed(caller, path="/api/v1/secret")
        rows = list(IdempotencyRecord.objects.order_by("pk"))
        assert len({row.principal for row in rows}) == 2
        with pytest.raises(DecryptionFailed):  # nor by a text that was moved to his row
            sealing.unseal(rows[0].sealed, idempotency.about(rows[1]))

    @pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "é"])
    def test_an_unfit_key_is_refused(self, caller, key):
        answer = keyed(caller, key)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == idempotency.HEADER

    def test_a_refusal_is_replayed_too_and_what_it_wrote_is_undone(self, caller):
        path = f"{EFFECT}?status=409"
        first, again = keyed(caller, path=path), keyed(caller, path=path)
        assert first.status_code == again.status_code == 409
        assert again.content == first.content
        assert again[idempotency.REPLAYED] == "true"
        assert made() == 0

    @pytest.mark.parametrize("status", [500, 503])
    def test_our_own_failure_frees_the_key_and_leaves_nothing(self, caller, status):
        answer = keyed(caller, path=f"{EFFECT}?status={status}")
        assert answer.status_code == status
        assert made() == 0
        assert IdempotencyRecord.objects.count() == 0

    def test_an_answer_that_the_caller_can_mend_is_not_kept(self, caller):
        answer = keyed(caller, path=f"{EFFECT}?status=429")
        assert answer.status_code == 429
        assert IdempotencyRecord.objects.count() == 0

    def test_a_malformed_body_claims_nothing(self, caller):
        assert keyed(caller, body="{").status_code == 400
        assert keyed(caller).status_code == 201

    def test_a_call_at_work_is_told_to_wait(self, caller):
        keyed(caller)
        IdempotencyRecord.objects.update(status=None)
        answer = keyed(caller)
        assert answer.status_code == 409
        assert answer["Retry-After"] == "1"
        assert answer.json()["errors"][0]["code"] == "idempotency_in_flight"

    def test_a_secret_is_given_again_for_15_minutes_and_is_kept_encrypted_only(self, caller):
        assert rotations(caller) == rotations(caller) == [{"new_key": "s3cret", "version": 2}]
        assert "s3cret" not in kept_text()
        IdempotencyRecord.objects.update(created_at=timezone.now() - idempotency.SECRET_RETENTION)
        assert rotations(caller) == [BARE]

    def test_a_secret_that_no_longer_opens_is_null(self, caller):
        rotations(caller)
        IdempotencyRecord.objects.update(token="another")  # noqa: S106 - the mark of a claim
        assert rotations(caller) == [BARE]

    def test_the_encrypted_answer_is_erased_after_15_minutes(self, caller):
        rotations(caller)
        at = IdempotencyRecord.objects.get().created_at
        assert idempotency.forget_secrets(at) == 0
        assert idempotency.forget_secrets(at + idempotency.SECRET_RETENTION) == 1
        assert rotations(caller) == [BARE]

    def test_a_key_on_a_call_that_is_no_post_changes_nothing(self, caller):
        headers = {idempotency.HEADER: "k"}
        assert caller.put(EFFECT, content_type="application/json", headers=headers)
        assert caller.post("/api/v1/nan", content_type="application/json", headers=headers)
        assert IdempotencyRecord.objects.count() == 0

    def test_keeping_an_answer_costs_a_fixed_number_of_queries(
        self, caller, django_assert_max_num_queries
    ):
        keyed(caller, "warm")
        with django_assert_max_num_queries(22):  # 8 for savepoints, 8 for the history of a group
            keyed(caller)
        with django_assert_max_num_queries(2):  # the credential and the row
            keyed(caller)


STEPWISE = "/api/v1/stepwise"


@pytest.mark.django_db(transaction=True)
class TestOverSeveralCommits:
    """Work that commits in steps is not done again where its answer could not be stored."""

    def test_an_answer_that_could_not_be_stored_is_read_from_the_rows(self, caller, monkeypatch):
        def full(*_arguments):
            raise DatabaseError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "store_response", full)
            assert keyed(caller, path=STEPWISE).status_code == 500
        again = keyed(caller, path=STEPWISE)
        assert (again.status_code, again[idempotency.REPLAYED], made()) == (201, "true", 1)
        third = keyed(caller, path=STEPWISE)
        assert (third.json()["data"], made()) == (again.json()["data"], 1)

    def test_a_failure_after_the_commit_is_answered_from_the_rows_too(self, caller):
        path = f"{STEPWISE}?crash"
        assert keyed(caller, path=path).status_code == 500
        assert (keyed(caller, path=path).status_code, made()) == (201, 1)

    def test_a_failure_before_the_commit_frees_the_key(self, caller, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "record_effect", lambda *_: 1 / 0)
            assert keyed(caller, path=STEPWISE).status_code == 500
        assert (IdempotencyRecord.objects.count(), made()) == (0, 0)

    def test_work_of_a_claim_that_was_lost_is_undone(self):
        row = claim()
        claim(now=NOW + idempotency.LEASE)
        with pytest.raises(idempotency.IdempotencyLeaseLost):
            idempotency.record_effect(row, {"group": 1})


def test_a_caller_waits_for_the_first_answer_and_only_so_long(monkeypatch):
    first, now, slept = claim(), [NOW], []
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 10.0)

    def sleep(seconds):
        slept.append(seconds)
        now[0] += timedelta(seconds=4)
        if len(slept) == 2:
            idempotency.store_response(first, 201, "{}")

    wait: dict[str, Any] = {"clock": lambda: now[0], "sleep": sleep}
    assert idempotency.claim_or_wait("key:1", "k", "d", **wait).status == 201
    claim("other", now=now[0])
    with pytest.raises(idempotency.IdempotencyInProgress):
        idempotency.claim_or_wait("key:1", "other", "d", **wait)


class TestAtOnce:
    """Real threads and commits; on SQLite writers wait for each other, so PostgreSQL proves it."""

    @pytest.mark.django_db(transaction=True)
    def test_twenty_at_once_take_effect_once_and_get_one_answer(self, caller, at_once, monkeypatch):
        monkeypatch.setattr(idempotency, "WAIT_SECONDS", 10.0)
        answers = at_once(lambda: keyed(caller), 20)
        assert [each.status_code for each in answers] == [201] * 20
        assert made() == 1
        assert len({each.content for each in answers}) == 1
        assert sum(idempotency.REPLAYED in each for each in answers) == 19
        assert keyed(caller)[idempotency.REPLAYED] == "true"

    @pytest.mark.django_db(transaction=True)
    def test_one_of_many_takes_over_a_claim_that_crashed(self, at_once):
        claim(now=NOW - timedelta(hours=1))
        outcomes = at_once(claim, 8)
        assert sum(isinstance(each, IdempotencyRecord) for each in outcomes) == 1
        assert sum(isinstance(each, idempotency.IdempotencyInProgress) for each in outcomes) == 7


def test_a_claim_that_crashed_is_free_after_its_lease():
    claim()
    with pytest.raises(idempotency.IdempotencyInProgress):
        claim(now=NOW + idempotency.LEASE - timedelta(seconds=1))
    assert claim(now=NOW + idempotency.LEASE).status is None


def test_work_that_was_overtaken_is_undone():
    slow = claim()
    quick = claim(now=NOW + idempotency.LEASE)
    idempotency.store_response(quick, 200, "{}")
    with pytest.raises(idempotency.IdempotencyLeaseLost):
        idempotency.store_response(slow, 200, "{}")
    idempotency.release_key(slow)
    assert claim(now=NOW + idempotency.LEASE).status == 200


def test_a_claim_lost_between_reading_and_taking_it_over_is_not_taken(monkeypatch):
    claim()
    stale = IdempotencyRecord.objects.get()
    claim(now=NOW + idempotency.LEASE)
    monkeypatch.setattr(  # as if the other call came in just after our read
        IdempotencyRecord.objects, "get_or_create", lambda **_: (stale, False)
    )
    with pytest.raises(idempotency.IdempotencyInProgress):
        claim(now=NOW + idempotency.LEASE)


def test_a_key_is_forgotten_after_a_day():
    idempotency.store_response(claim(), 200, "{}")
    with pytest.raises(Conflict):
        claim(digest="other", now=NOW + timedelta(hours=23))
    again = claim(digest="other", now=NOW + idempotency.RETENTION)
    assert again.status is None


def test_purging_forgets_only_what_is_old(monkeypatch):
    monkeypatch.setattr(idempotency, "BATCH", 2)
    for number in range(5):
        claim(f"old-{number}")
    claim("young", now=NOW + timedelta(hours=1))
    assert idempotency.purge(NOW + idempotency.RETENTION) == 5
    assert [str(each) for each in IdempotencyRecord.objects.all()] == ["key:1 young"]
    assert idempotency.purge(NOW + idempotency.RETENTION) == 0


def test_the_digest_tells_a_number_from_its_text():
    def digest(value):
        return idempotency.digest("POST", "/", {"a": value})

    assert digest(Decimal("1.5")) == digest(Decimal("1.5"))
    assert digest(Decimal("1.5")) != digest("1.5")
    assert digest(1) != digest("1")


def test_a_database_that_fails_while_the_key_is_freed_hides_nothing(caller, monkeypatch):
    def gone(_row):
        raise DatabaseError("gone")

    monkeypatch.setattr(idempotency, "release_key", gone)
    assert keyed(caller, path=f"{EFFECT}?status=503").status_code == 503
    assert connection.is_usable()
