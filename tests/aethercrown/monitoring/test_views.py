from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY

from aethercrown.db import schema
from aethercrown.models import RestoreTest
from security.apikeys import services

TOKEN = "a-token-for-prometheus"  # noqa: S105 - of this test only


def test_alive_touches_neither_rows_nor_broker(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.CACHES = {}
    assert client.get("/healthz").content == b"alive"  # and pytest-django forbids the database


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db(transaction=True)
def test_probes_only_read_and_have_one_address(client, path):
    assert client.post(path).status_code == 405
    assert client.get(f"{path}/").status_code in {301, 404}
    assert client.head(path).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.django_db(transaction=True)
def test_probes_are_not_sent_to_https_while_pages_are(client, settings, path):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(path).status_code != 301
    assert client.get("/login").status_code == 301


@pytest.mark.django_db(transaction=True)
def test_ready_where_database_broker_and_schema_are(client):
    reply = client.get("/readyz")
    assert reply.status_code == 200
    assert reply.json() == {
        "status": "ready",
        "checks": {"database": "ok", "broker": "ok", "schema": "ok", "storage": "ok"},
    }
    assert "Retry-After" not in reply


@pytest.mark.django_db(transaction=True)
def test_it_warns_where_no_backup_was_tried_out_for_long_and_is_ready(client):
    old = timezone.now() - timedelta(days=36)
    trial = RestoreTest.objects.create(backup="a", made_at=old, at=old, seconds=1.0, rows=1)
    reply = client.get("/readyz")
    assert reply.status_code == 200
    assert reply.json()["warnings"] == {
        "trial_restore": "The restore test of the back-ups is overdue: manage.py restore --check."
    }
    trial.at = timezone.now()
    trial.save()
    assert "warnings" not in client.get("/readyz").json()


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_it_is_not_ready_and_says_nothing_secret(client, settings):
    settings.REDIS_URL = "redis://:hunter22@127.0.0.1:1/0"
    reply = client.get("/readyz")
    assert (reply.status_code, reply["Retry-After"]) == (503, "5")
    assert [name for name, each in reply.json()["checks"].items() if each != "ok"] == ["broker"]
    assert b"hunter22" not in reply.content


@pytest.mark.django_db(transaction=True)
def test_a_process_without_broker_setting_needs_none(client, settings):
    settings.REDIS_URL = ""
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_with_a_migration_missing_it_is_not_ready(client):
    latest = min(schema.latest_migrations())
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(*latest)
    try:
        assert client.get("/readyz").json()["checks"]["schema"] == "failed"
    finally:
        recorder.record_applied(*latest)
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_metrics_are_closed_to_strangers_and_to_the_wrong_token(client, settings):
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics").status_code == 401
    assert bearer(client, "wrong").status_code == 401
    assert bearer(client, "").status_code == 401
    settings.METRICS_TOKEN = ""
    assert bearer(client, "").status_code == 401
    assert bearer(client, TOKEN)["WWW-Authenticate"] == 'Bearer realm="metrics"'


def bearer(client, token):
    return client.get("/metrics", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.django_db
def test_metrics_open_to_the_token(client, settings):
    settings.METRICS_TOKEN = TOKEN
    accept = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/openmetrics-text"}
    reply = client.get("/metrics", headers=accept)
    assert reply.status_code == 200
    assert reply["Content-Type"].startswith("text/plain")
    assert b"aethercrown_requests_total" in reply.content


@pytest.mark.django_db
def test_metrics_open_to_a_key_with_the_scope_and_to_staff(client, admin_client, settings):
    settings.METRICS_TOKEN = TOKEN
    fit = services.create("prometheus", ["operational:read"])
    unfit = services.create("shop", ["revenue:read"])
    assert bearer(client, fit.plaintext).status_code == 200
    assert bearer(client, unfit.plaintext).status_code == 403
    assert admin_client.get("/metrics").status_code == 200


def count(**labels):
    return REGISTRY.get_sample_value("aethercrown_requests_total", labels) or 0


@pytest.mark.django_db
def test_requests_are_counted_by_route_and_never_by_path():
    client = Client()
    labels = {"method": "GET", "route": "healthz", "status_class": "2xx"}
    lost = {"method": "other", "route": "unmatched", "status_class": "4xx"}
    before, strange = count(**labels), count(**lost)
    client.get("/healthz?a=1")
    client.generic("BREW", "/no/such/path")
    assert count(**labels) == before + 1
    assert count(**lost) == strange + 1
    assert REGISTRY.get_sample_value("aethercrown_request_seconds_count", {"route": "healthz"})
