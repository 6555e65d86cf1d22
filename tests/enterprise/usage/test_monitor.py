"""UsageMonitor: the calls of the contract, from Python."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps

from enterprise.usage.models import UsageHour
from enterprise.usage.monitor import UsageMonitor
from enterprise.usage.reports import rollups
from enterprise.usage.reports.clients import UnknownClient
from enterprise.usage.services import NothingToOffer, booking
from revenue.customers import services as customers
from revenue.pricing.seeding import seed_default_book
from tests.enterprise.usage.conftest import CALLS, NOW, event, track

pytestmark = pytest.mark.django_db


@pytest.fixture
def monitor():
    return UsageMonitor(NOW)


def test_usage_is_tracked_reported_and_offered(monitor):
    found = monitor.track_usage("acme", {"current": {CALLS: 96.5}, "limits": {CALLS: 100}})
    assert found["requires_attention"] is True
    earlier = {"current": {CALLS: 12}, "recorded_at": (NOW - timedelta(hours=1)).isoformat()}
    monitor.track_usage("acme", earlier)
    monitor.track_usage("acme", {"current": {CALLS: 1}, "recorded_at": NOW - timedelta(hours=2)})
    report = monitor.generate_usage_report("acme")
    assert float(report["usage_summary"][CALLS]["total"]) == 96.5
    with pytest.raises(NothingToOffer):
        monitor.trigger_upsell_campaign("acme")


def test_opportunities_of_a_history_and_of_the_stored_use(monitor):
    seed_default_book(apps)
    history = [{"current": {CALLS: 9_000}, "limits": {CALLS: 10_000}}] * 2
    (found,) = monitor.identify_upsell_opportunities("acme", history, "starter")
    assert found["type"] == "limit_pressure"
    monitor.track_usage("acme", {"current": {CALLS: 60_000}})
    (stored,) = monitor.identify_upsell_opportunities("acme", [], "starter")
    assert stored["type"] == "plan_fit"


def test_a_campaign_offers_the_plan_that_the_use_calls_for(monitor, client_row, calls):
    seed_default_book(apps)
    customers.record_subscription(
        client_row.pk, external_id="acme-1", amount=None, currency="USD",
        started_on=NOW.date() - timedelta(days=80), plan="starter", now=NOW,
    )  # fmt: skip
    track(*(event(f"e{ago}", 400, NOW - timedelta(days=ago)) for ago in range(1, 34)))
    booking.book_closed_days(NOW)
    found = monitor.trigger_upsell_campaign("acme")
    assert (found["client_id"], found["recommended_tier"]) == ("acme", "professional")


def test_the_clock_is_the_platforms_unless_a_time_is_given():
    assert UsageMonitor().now.tzinfo is not None


def test_bad_values_are_refused(monitor):
    with pytest.raises(ValueError, match="must be a number"):
        monitor.track_usage("acme", {"current": {CALLS: "many"}})
    for at, words in (
        (NOW.replace(tzinfo=None), "its offset"),
        (NOW + timedelta(days=1), "minutes ahead"),
        (NOW - timedelta(days=40), "needs a backfill"),
    ):
        with pytest.raises(ValueError, match=words):
            monitor.track_usage("acme", {"current": {CALLS: 1}, "recorded_at": at})
    with pytest.raises(UnknownClient):
        monitor.generate_usage_report("nobody")


def test_a_reading_of_another_zone_counts_in_its_hour_in_utc(monitor):
    at = (NOW - timedelta(hours=1)).astimezone(ZoneInfo("Asia/Kolkata"))
    monitor.track_usage("acme", {"current": {CALLS: 5}, "recorded_at": at})
    hour = UsageHour.objects.get().hour
    assert (hour.hour, hour.minute) == (11, 0)
    assert list(rollups.differences([hour])) == []
