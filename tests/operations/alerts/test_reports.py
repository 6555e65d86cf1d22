"""What is wrong now, gravest first; what people are told on the first page."""

from datetime import timedelta

import pytest

from operations.alerts import reports, services
from tests.operations.conftest import NOON


@pytest.fixture
def wrong(db):
    """Five alerts, one of them resolved."""
    for number, (kind, severity) in enumerate(
        [("run_failed", "high"), ("down", "critical"), ("full", "warning"), ("late", "high")]
    ):
        source = "automations" if kind == "run_failed" else "health"
        moment = NOON + timedelta(minutes=number)
        services.raise_alert(source, kind, f"s{number}", severity, "It is.", now=moment)
    services.raise_alert("health", "slow", "s9", "critical", "It was.", now=NOON)
    services.resolve("health", "slow", "s9", now=NOON)


def test_the_highest_severity_comes_first_and_then_the_newest(wrong):
    assert [alert.kind for alert in reports.unresolved()] == ["down", "late", "run_failed", "full"]
    assert [alert.kind for alert in reports.recently_resolved()] == ["slow"]
    assert reports.counts() == {"critical": 1, "high": 2, "warning": 1, "info": 0}


def test_attention_items_are_severe_alerts_that_nobody_has_acknowledged(wrong):
    told = [each.sentence for each in reports.attention_items(NOON)]
    assert told == ["Down, s1: It is.", "Late, s3: It is."]
    late = reports.unresolved()[1]
    services.acknowledge(late.pk, actor="ada", now=NOON)
    assert len(reports.attention_items(NOON)) == 1
    assert reports.attention_items(NOON)[0].link.startswith("/admin/operations/alert/")


def test_a_critical_alert_is_found_by_its_subject(wrong):
    assert reports.critical("s1", "other") == "health: down, s1"
    assert reports.critical("s3") == reports.critical("s9") == ""


def test_severe_alerts_that_ended_are_those_since_then(wrong):
    found = reports.severe_since(NOON)
    assert [each.subject for each in found.resolved] == ["s9"]
    assert found.attention == reports.attention_items(NOON)
    assert reports.severe_since(NOON + timedelta(seconds=1)).resolved == []
