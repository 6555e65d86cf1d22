"""The usage calls: what is answered, and what is refused with every bad field."""

from datetime import datetime, timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from enterprise.usage import services
from enterprise.usage.metering.metric_kinds import MetricKind
from enterprise.usage.models import UsageBackfill, UsageEvent, UsagePolicy
from enterprise.usage.services import metrics
from operations.automations.registry import RunContext
from operations.decisions.models import FourEyesRule
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.seeding import seed_default_book
from security.apikeys import services as keys
from tests.callers import Caller
from tests.enterprise.usage.conftest import CALLS, SEATS, event

pytestmark = pytest.mark.django_db
USAGE = "/api/v1/enterprise/usage"
TRACK = f"{USAGE}/track"


@pytest.fixture
def caller():
    return Caller(keys.create("crm", ["enterprise:read", "enterprise:write"]).plaintext)


@pytest.fixture
def published(db):
    seed_default_book(apps)
    return PriceBookVersion.objects.get(number=1)


def now():
    return timezone.now()


def ago(**length):
    return now() - timedelta(**length)


def errors(answer, status=400):
    assert answer.status_code == status, answer.json()
    return {each["field"]: each["code"] for each in answer.json()["errors"]}


def send(caller, *events, **more):
    return caller.send(TRACK, {"events": list(events), **more})


def the(answer, status=200):
    assert answer.status_code == status, answer.json()
    return answer.json()["data"]


def test_readings_are_answered_with_what_is_near_its_limit(caller):
    body = {
        "client_id": "acme",
        "usage_data": {"current": {CALLS: 96}, "limits": {CALLS: 100}, "plan": "gold"},
    }
    found = the(caller.send(TRACK, body))
    assert found["summary"]["usage_percentages"] == {CALLS: 96.0}
    assert [each["severity"] for each in found["summary"]["alerts"]] == ["critical"]
    assert found["readings"] == {CALLS: "accepted"}
    assert found["ignored"] == ["plan"]


def test_a_batch_is_answered_item_by_item(caller):
    bad = event("b", -1, ago(hours=1))
    found = the(
        send(caller, event("a", 5, at := ago(hours=1)), event("a", 5, at), bad, atomic=False)
    )
    counts = {name: found[name] for name in ("accepted", "duplicates", "conflicts", "rejected")}
    assert counts == {"accepted": 1, "duplicates": 1, "conflicts": 0, "rejected": 1}
    assert [each["status"] for each in found["items"]] == ["accepted", "duplicate", "rejected"]


def test_one_bad_event_refuses_an_atomic_batch_and_every_bad_index_is_named(caller):
    answer = send(
        caller,
        event("a", 5, ago(hours=1)),
        event("b", -1, ago(hours=1)),
        event("c", 1, ago(days=35)),
        event("d", 1, now() + timedelta(minutes=6)),
        {**event("e", 1, ago(hours=1)), "quantity": "many"},
        5,
    )
    assert errors(answer) == {
        "events[1].quantity": "min_value",
        "events[2].timestamp": "too_old",
        "events[3].timestamp": "in_the_future",
        "events[4].quantity": "invalid",
        "events[5]": "not_a_dict",
    }
    assert not UsageEvent.objects.exists()


def test_many_bad_events_are_all_named(caller):
    answer = send(caller, *({"quantity": -1} for _ in range(2_000)))
    assert answer.status_code == 400
    assert "1999" in answer.json()["errors"][0]["message"]


def test_the_same_id_with_another_body_is_409(caller):
    the(send(caller, event("a", 5, at := ago(hours=1))))
    assert send(caller, event("a", 6, at)).status_code == 409
    assert the(send(caller, event("a", 5, at)))["duplicates"] == 1
    found = the(send(caller, event("a", 6, at), event("b", 1, at), atomic=False))
    assert (found["conflicts"], found["accepted"]) == (1, 1)


def test_a_reading_of_the_same_time_with_another_value_is_409(caller):
    read = {"current": {CALLS: 5}, "recorded_at": ago(hours=1).isoformat()}
    body = {"client_id": "acme", "usage_data": read}
    the(caller.send(TRACK, body))
    assert the(caller.send(TRACK, body))["readings"] == {CALLS: "duplicate"}
    read["current"] = {CALLS: 6}
    assert caller.send(TRACK, body).status_code == 409


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"client_id", "usage_data"}),
        ({"client_id": "acme"}, {"usage_data"}),
        ({"events": []}, {"events"}),
        ({"events": "x"}, {"events"}),
        ({"events": [event("a")], "client_id": "acme"}, {"client_id"}),
        ({"events": [event("a")], "atomic": "yes"}, {"atomic"}),
        ({"client_id": "acme", "usage_data": {}, "what": 1}, {"what"}),
        (
            {"client_id": "acme", "usage_data": {"current": {CALLS: -1}}},
            {f"usage_data.current.{CALLS}"},
        ),
        (
            {"client_id": "acme", "usage_data": {"current": {CALLS: "5"}}},
            {f"usage_data.current.{CALLS}"},
        ),
        (
            {"client_id": "acme", "usage_data": {"limits": {CALLS: None}, "recorded_at": "now"}},
            {f"usage_data.limits.{CALLS}", "usage_data.recorded_at"},
        ),
        (
            {"client_id": "acme", "usage_data": {"recorded_at": "2020-01-01T00:00:00Z"}},
            {"usage_data.recorded_at"},
        ),
    ],
)
def test_a_bad_body_names_every_bad_field(caller, body, fields):
    assert set(errors(caller.send(TRACK, body))) == fields
    assert not Customer.objects.exists()


def test_a_number_that_is_none_is_refused_with_its_path(caller):
    body = '{"client_id": "a", "usage_data": {"current": {"x": NaN, "y": 1e400}}}'
    found = errors(caller.send(TRACK, body))
    assert set(found) == {"usage_data.current.x", "usage_data.current.y"}


def test_too_many_events_are_413(caller):
    answer = send(caller, *([event("a")] * 5_001))
    assert answer.status_code == 413
    assert "5,000" in answer.json()["message"]


def test_unknown_names_are_400_where_staff_closed_the_list(caller):
    UsagePolicy.objects.create(pk=1, accept_unknown_metrics=False, accept_unknown_clients=False)
    found = errors(send(caller, event("a", 1, ago(hours=1))))
    assert found == {"events[0].client_id": "unknown_client", "events[0].metric": "unknown_metric"}
    body = {"client_id": "acme", "usage_data": {"current": {"x": 1}}}
    assert errors(caller.send(TRACK, body)) == {
        "client_id": "unknown_client",
        "usage_data.current.x": "unknown_metric",
    }


def test_a_stranger_and_a_key_without_the_scope_are_turned_away(db):
    assert Caller().send(TRACK, {}).status_code == 401
    reader = Caller(keys.create("reader", ["enterprise:read"]).plaintext)
    assert reader.send(TRACK, {}).status_code == 403


def history(*values, limit=10_000):
    return [{"current": {CALLS: each}, "limits": {CALLS: limit}} for each in values]


def test_a_given_history_is_analyzed(caller, published):
    body = {"client_id": "acme", "current_tier": "starter", "usage_history": history(8_400, 9_100)}
    found = the(caller.send(f"{USAGE}/analyze-upsell", body))
    (one,) = found["opportunities"]
    assert (one["type"], one["estimated_value"], one["priority"]) == (
        "limit_pressure",
        70.0,
        "high",
    )
    assert (one["recommended_tier"], one["confidence"]) == ("professional", 0.6)
    calm = the(caller.send(f"{USAGE}/analyze-upsell", {**body, "usage_history": history(10, 20)}))
    assert calm["count"] == 0
    top = {**body, "current_tier": "enterprise"}
    assert "largest plan" in the(caller.send(f"{USAGE}/analyze-upsell", top))["reason"]


def test_analysis_of_an_unknown_plan_is_400_and_of_an_unknown_client_404(caller, published):
    body = {"client_id": "nobody", "current_tier": "gold", "usage_history": history(1)}
    assert errors(caller.send(f"{USAGE}/analyze-upsell", body)) == {"current_tier": "unknown_tier"}
    del body["usage_history"]
    assert caller.send(f"{USAGE}/analyze-upsell", body).status_code == 404


def test_the_stored_use_is_analyzed(caller, published):
    the(send(caller, event("a", 60_000, ago(minutes=1))))
    body = {"client_id": "acme", "current_tier": "starter"}
    found = the(caller.send(f"{USAGE}/analyze-upsell", body))
    assert [each["type"] for each in found["opportunities"]] == ["plan_fit"]


def test_stored_use_near_its_limit_in_two_periods_is_pressure(caller, published, seats):
    limits = {"current": {SEATS: 4}, "limits": {CALLS: 10_000, SEATS: 5, "unused": 1}}
    the(caller.send(TRACK, {"client_id": "acme", "usage_data": limits}))
    the(send(caller, event("a", 9_000, ago(minutes=1)), event("b", 9_000, ago(days=32))))
    body = {"client_id": "acme", "current_tier": "starter"}
    found = the(caller.send(f"{USAGE}/analyze-upsell", body))["opportunities"]
    assert [each["type"] for each in found] == ["limit_pressure"]
    assert "2 of the last 3 periods" in found[0]["reason"]


def test_a_report_of_a_client_with_and_without_use(caller, client_row):
    empty = the(caller.get(f"{USAGE}/acme/report"))["report"]
    assert (empty["usage_summary"], empty["health_score"]) == ({}, None)
    the(send(caller, event("a", 5, ago(minutes=1)), event("b", 7, ago(days=2))))
    found = the(caller.get(f"{USAGE}/acme/report?period_days=7"))["report"]
    assert found["report_period"]["days"] == 7
    use = found["usage_summary"][CALLS]
    assert (use["total"], use["trend"]) == (12, "not enough history")
    assert found["health_score"] == 100
    assert found["freshness"]["receipt"][0]["events"] == 2


def test_costs_are_those_of_the_price_book_or_null_with_the_reason(caller, client_row):
    found = the(caller.get(f"{USAGE}/acme/report"))["report"]["cost_analysis"]
    assert found["projected_next_month"] is None
    assert found["reason"]


@pytest.mark.parametrize("text", ["0", "732", "x", "1.5", "-1", "٣"])
def test_a_wrong_period_is_400(caller, client_row, text):
    assert errors(caller.get(f"{USAGE}/acme/report", {"period_days": text})) == {
        "period_days": "invalid"
    }


def test_an_unknown_client_is_404(caller):
    assert caller.get(f"{USAGE}/nobody/report").status_code == 404
    assert caller.send(f"{USAGE}/nobody/trigger-upsell").status_code == 404


def test_without_an_opportunity_nothing_is_offered(caller, client_row, published):
    assert caller.send(f"{USAGE}/acme/trigger-upsell").status_code == 409
    assert errors(caller.send(f"{USAGE}/acme/trigger-upsell", {"why": 1})) == {"why": "unknown"}


def test_the_inspector_says_where_an_event_stands(caller, client_row):
    at = ago(minutes=3)
    the(send(caller, event("a", 5, at), event("c", -2, at, corrects="a")))
    the(send(caller, event("a", 6, at), event("r", -1, at), atomic=False))
    (found,) = the(caller.get(f"{USAGE}/events?event_id=a"))["events"]
    assert (found["status"], found["corrected_by"], found["billed_in"]) == ("accepted", ["c"], "")
    assert datetime.fromisoformat(found["hour"]).minute == 0
    refused = the(caller.get(f"{USAGE}/events?status=conflict"))["events"]
    assert [each["event_id"] for each in refused] == ["a"]
    rejected = the(caller.get(f"{USAGE}/events?status=rejected&client_id=acme"))["events"]
    assert "only a correction" in rejected[0]["reason"]
    later = the(caller.get(f"{USAGE}/events", {"from": now().isoformat(), "metric": CALLS}))
    assert later["events"] == []
    wrong = errors(caller.get(f"{USAGE}/events?from=x&status=lost&what=1"))
    assert wrong == {"what": "unknown"}
    assert set(errors(caller.get(f"{USAGE}/events?from=x&status=lost"))) == {"from", "status"}


def test_pages_of_events_follow_a_cursor(caller, client_row):
    the(send(caller, *(event(f"e{place}", 1, ago(minutes=3)) for place in range(3))))
    first = the(caller.get(f"{USAGE}/events?limit=2"))
    assert len(first["events"]) == 2
    assert len(the(caller.get(first["next"]))["events"]) == 1


def test_a_backfill_is_previewed_applied_and_reverted(caller, client_row):
    old = event("o", 7, ago(days=60))
    row = the(caller.send(f"{USAGE}/backfills", {"events": [old]}), 201)["backfill"]
    assert (row["state"], row["preview"]["accepted"]) == ("previewed", 1)
    address = f"{USAGE}/backfills/{row['backfill_id']}"
    assert caller.send(f"{address}/apply", {"digest": "0" * 64}).status_code == 409
    assert caller.send(f"{address}/revert").status_code == 409
    the(caller.send(f"{address}/apply", {"digest": row["digest"]}))
    assert UsageEvent.objects.get().quantity == 7
    assert the(caller.send(f"{address}/revert"))["backfill"]["state"] == "reverted"
    assert caller.send(f"{address}/revert").status_code == 409
    assert len(the(caller.get(f"{USAGE}/backfills"))["backfills"]) == 1
    assert caller.send(f"{USAGE}/backfills/99/revert").status_code == 404
    assert caller.send(f"{USAGE}/backfills/99/apply", {"digest": "x"}).status_code == 404


def test_a_backfill_without_dry_run_is_applied_at_once(caller, client_row):
    body = {"events": [event("o", 7, ago(days=60))], "dry_run": False}
    assert the(caller.send(f"{USAGE}/backfills", body), 201)["backfill"]["state"] == "applied"


def test_a_replacement_needs_its_range_and_an_addition_none(caller, client_row, calls):
    events = [event("o", 7, ago(days=60))]
    found = errors(caller.send(f"{USAGE}/backfills", {"events": events, "mode": "replace"}))
    assert found == dict.fromkeys(["client", "metric", "from", "to"], "required")
    assert errors(caller.send(f"{USAGE}/backfills", {"events": events, "metric": "x"})) == {
        "metric": "invalid"
    }
    body = {
        "events": events,
        "mode": "replace",
        "client": "acme",
        "metric": CALLS,
        "from": ago(days=60).isoformat(),
        "to": ago(days=61).isoformat(),
    }
    assert errors(caller.send(f"{USAGE}/backfills", body)) == {"to": "min_value"}
    body["from"], body["to"] = ago(days=61).isoformat(), ago(days=59).isoformat()
    row = the(caller.send(f"{USAGE}/backfills", body), 201)["backfill"]
    assert row["mode"] == "replace"
    assert UsageBackfill.objects.count() == 1


CSV = "event_id,client_id,metric,quantity,timestamp\n"


def test_a_backfill_may_be_csv_text(caller, client_row):
    at = ago(days=60).isoformat()
    text = f"{CSV}o1,acme,{CALLS},7,{at}\no2,acme,{CALLS},many,{at}\no3,acme,{CALLS},,{at}\n"
    row = the(caller.send(f"{USAGE}/backfills", {"csv": text}), 201)["backfill"]
    assert (row["preview"]["accepted"], row["preview"]["rejected"]) == (1, 2)
    listed = the(caller.get(f"{USAGE}/backfills"))["backfills"][0]["preview"]["days"]
    assert listed == row["preview"]["days"]
    assert (listed[0]["after"], listed[0]["client_id"]) == (7, "acme")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "events"),
        ({"csv": CSV, "events": [{}]}, "events"),
        ({"csv": CSV}, "csv"),
        ({"csv": f"{CSV}o1,acme\n"}, "csv"),
        ({"csv": " "}, "csv"),
    ],
)
def test_a_backfill_that_is_none_is_refused(caller, body, field):
    assert set(errors(caller.send(f"{USAGE}/backfills", body))) == {field}
    assert not UsageBackfill.objects.exists()


def test_too_many_csv_rows_are_413(caller):
    text = CSV + f"o1,acme,{CALLS},7,2027-01-01T00:00:00Z\n" * 5_001
    assert caller.send(f"{USAGE}/backfills", {"csv": text}).status_code == 413


def test_an_applied_preview_that_needs_another_person_is_409(caller, client_row):
    FourEyesRule.objects.create(kind="usage_backfill", is_on=True)
    body = {"events": [event("o", 7, ago(days=60))], "dry_run": False}
    assert caller.send(f"{USAGE}/backfills", body).status_code == 409
    assert UsageBackfill.objects.get().state == "previewed"


def test_a_clients_own_key_sends_and_sees_its_use_alone(caller, client_row, calls):
    Customer.objects.create(external_id="rival", name="Rival")
    scopes = ["enterprise:read", "enterprise:write"]
    own = Caller(keys.create("acme's", scopes, customer=client_row.pk).plaintext)
    at = ago(hours=1)
    the(send(caller, event("a", 3, at), event("r", 9, at, client="rival")))
    assert the(send(own, event("a", 5, at)))["accepted"] == 1  # no id of another key is taken
    assert errors(
        send(own, event("b", 1, at, client="rival"), event("c", -1, at, corrects="a"))
    ) == {
        "events[0].client_id": "unknown_client",
        "events[1].corrects": "not_allowed",
    }
    data = {"current": {CALLS: 12}}
    the(own.send(TRACK, {"client_id": "acme", "usage_data": data}))
    assert own.send(TRACK, {"client_id": "rival", "usage_data": data}).status_code == 404
    limits = {"client_id": "acme", "usage_data": {"limits": {CALLS: 10**9}}}
    assert errors(own.send(TRACK, limits)) == {"usage_data.limits": "not_allowed"}
    seen = the(own.get(f"{USAGE}/events"))["events"]
    assert {each["client_id"] for each in seen} == {"acme"}
    assert own.get(f"{USAGE}/events?client_id=rival").status_code == 404
    assert own.get(f"{USAGE}/acme/report").status_code == 200
    assert own.get(f"{USAGE}/rival/report").status_code == 404
    for path in ("backfills", "rival/trigger-upsell", "acme/trigger-upsell"):
        assert own.send(f"{USAGE}/{path}", {}).status_code == 403


def test_readings_of_different_values_are_refused(caller, users):
    body = {"client_id": "acme", "usage_data": {"current": {users.code: 5}}}
    found = errors(caller.send(TRACK, body))
    assert found == {f"usage_data.current.{users.code}": "needs_events"}


def test_an_offer_is_recorded_once_in_thirty_days(caller, client_row, published):
    today = now().date()
    customers.record_subscription(
        client_row.pk, external_id="acme-1", amount=None, currency="USD",
        started_on=today - timedelta(days=80), plan="starter", now=now(),
    )  # fmt: skip
    at = now().replace(hour=0, minute=0, second=1)
    batch = [event(f"e{each}", 400, at - timedelta(days=each)) for each in range(1, 34)]
    the(send(caller, *batch))
    metrics.define_metric(CALLS, title="", unit="", kind=MetricKind.COUNTER, now=now())
    services.AUTOMATIONS[1].perform(context())
    first = caller.send(f"{USAGE}/acme/trigger-upsell")
    found = the(first, 201)["campaign"]
    assert (found["state"], found["recommended_tier"]) == ("offered", "professional")
    again = the(caller.send(f"{USAGE}/acme/trigger-upsell"))["campaign"]
    assert again["campaign_id"] == found["campaign_id"]


def context():
    return RunContext("enterprise.book_usage", None, now(), now(), "auto", dry_run=False)
