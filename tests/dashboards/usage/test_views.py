"""The pages of usage: with rows and without, their files, wrong addresses, strangers."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from enterprise.usage import services
from enterprise.usage.metering.metric_kinds import MetricKind
from revenue.customers.models import Customer

pytestmark = pytest.mark.django_db
USAGE = "/dashboards/usage"


@pytest.fixture
def acme():
    return Customer.objects.create(external_id="acme", name="Acme")


@pytest.fixture
def used(acme):
    now = timezone.now()
    services.define_metric(
        "api_calls", title="API calls", unit="calls", kind=MetricKind.COUNTER, now=now
    )
    events = [
        {
            "event_id": f"e{ago}",
            "client_id": "acme",
            "metric": metric,
            "quantity": 10 + ago,
            "timestamp": (now - timedelta(days=ago, minutes=1)).isoformat(),
        }
        for ago, metric in enumerate(["api_calls"] * 20 + ["widgets"])
    ]
    services.track_events(events, atomic=True, now=now)
    limits = {"api_calls": Decimal(12)}
    services.track_readings("acme", {}, limits, recorded_at=now, by="ada", now=now)
    services.evaluate_dirty(now)
    return acme


def test_without_usage_the_page_says_how_to_send_some(admin_client):
    page = admin_client.get(USAGE)
    assert page.status_code == 200
    assert "import_data usage-events" in page.content.decode()


def test_clients_stand_beside_their_limits(admin_client, used, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        text = admin_client.get(USAGE).content.decode()
    assert f"/dashboards/usage/{used.pk}" in text
    assert "Metrics to confirm" in text
    assert "No client waits" in text
    listed = admin_client.get(f"{USAGE}?format=csv&table=clients")
    assert (
        b"".join(listed.streaming_content)
        .decode("utf-8-sig")
        .startswith("Client,Metric,Metric id,Used")
    )


def test_a_clients_page_has_its_trends_alerts_and_costs(
    admin_client, used, django_assert_max_num_queries
):
    with django_assert_max_num_queries(25):
        text = admin_client.get(f"{USAGE}/{used.pk}").content.decode()
    assert "Offer a larger limit or plan" in text
    assert "Critical" in text
    rows = admin_client.get(f"{USAGE}/{used.pk}?format=csv&table=metrics")
    assert b"api_calls" in b"".join(rows.streaming_content)


def test_a_client_without_usage_has_a_page_too(admin_client, acme):
    assert "No usage yet" in admin_client.get(f"{USAGE}/{acme.pk}").content.decode()


def test_the_customers_page_has_a_block_of_its_usage(admin_client, used):
    text = admin_client.get("/dashboards/customers/acme").content.decode()
    assert "Usage and limits" in text
    assert "Alerts of limits" in text
    assert f"/dashboards/usage/{used.pk}" in text


def test_the_lag_stands_in_metrics(admin_client, used):
    text = admin_client.get("/metrics").content.decode()
    assert 'aethercrown_usage_receipt_seconds{quantile="0.95",source="api"}' in text
    assert "aethercrown_usage_evaluation_wait_seconds 0.0" in text


def test_wrong_addresses_are_said(admin_client, acme):
    assert admin_client.get(f"{USAGE}?period=none").status_code == 400
    assert admin_client.get(f"{USAGE}/99999").status_code == 404


def test_a_stranger_signs_in_first(client, db):
    assert client.get(USAGE).status_code == 302
