"""The two calls of the contract: how it stands now, and how it went."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import Endpoint, Invalid, reply
from aethercrown.fields import Count, Instant, Named, Number, Option, Percent, Rows, Text
from aethercrown.openapi import documented
from operations.health import services
from operations.health.models import Component, Status
from operations.uptime import reports as uptime
from operations.uptime.period import NoPeriod, read

PERIOD = "24h"
EXAMPLE_REPORT: dict[str, Any] = {
    "overall_status": "degraded",
    "checked_at": "2026-12-31T23:59:00Z",
    "check_duration_seconds": 0.214,
    "components": {
        "database": {
            "status": "healthy",
            "state": "up",
            "response_time_ms": 1.9,
            "error": None,
            "checked_at": "2026-12-31T23:59:00Z",
            "since": "2026-12-01T08:00:00Z",
        },
        "disk": {
            "status": "degraded",
            "state": "up",
            "response_time_ms": 0.1,
            "error": "7.2 GB of 100.0 GB are free on the data folder's disk.",
            "checked_at": "2026-12-31T23:59:00Z",
            "since": "2026-12-01T08:00:00Z",
        },
    },
    "summary": {
        "total_components": 2,
        "healthy": 1,
        "degraded": 1,
        "unhealthy": 0,
        "unknown": 0,
    },
}
EXAMPLE_TRENDS: dict[str, Any] = {
    "total_checks": 1440,
    "availability_percent": 99.931,
    "trends": {
        "database": {
            "availability_percent": 99.931,
            "total_checks": 1440,
            "last_status": "healthy",
            "p50_ms": 1.4,
            "p95_ms": 3.2,
            "p99_ms": 9.8,
        }
    },
    "recent_incidents": [
        {
            "component": "database",
            "started_at": "2026-12-31T04:10:00Z",
            "ended_at": "2026-12-31T04:11:00Z",
            "duration_seconds": 60.0,
            "kind": "timeout",
            "error": "There was no answer in time.",
        }
    ],
}


class ComponentSerializer(serializers.Serializer[Any]):
    """The latest look at one component, and its confirmed state."""

    status = Option(choices=Status.values)
    state = Option(choices=Component.State.values)
    response_time_ms = Number(allow_null=True)
    error = Text(allow_null=True)
    checked_at = Instant(allow_null=True)
    since = Instant(allow_null=True)


class SummarySerializer(serializers.Serializer[Any]):
    total_components = Count()
    healthy = Count()
    degraded = Count()
    unhealthy = Count()
    unknown = Count()


class ReportSerializer(serializers.Serializer[Any]):
    overall_status = Option(choices=Status.values)
    checked_at = Instant(allow_null=True)
    check_duration_seconds = Number()
    components = Named(child=ComponentSerializer())
    summary = SummarySerializer()


class TrendSerializer(serializers.Serializer[Any]):
    availability_percent = Percent(allow_null=True)
    total_checks = Count()
    last_status = Option(choices=Status.values)
    p50_ms = Number(allow_null=True)
    p95_ms = Number(allow_null=True)
    p99_ms = Number(allow_null=True)


class IncidentSerializer(serializers.Serializer[Any]):
    component = Text()
    started_at = Instant()
    ended_at = Instant(allow_null=True)
    duration_seconds = Number()
    kind = Text(allow_blank=True)
    error = Text(allow_blank=True)


class TrendsSerializer(serializers.Serializer[Any]):
    total_checks = Count()
    availability_percent = Percent(allow_null=True)
    trends = Named(child=TrendSerializer())
    recent_incidents = Rows(child=IncidentSerializer())


class ReportAnswer(serializers.Serializer[Any]):
    report = ReportSerializer()


class TrendsAnswer(serializers.Serializer[Any]):
    trends = TrendsSerializer()


class CheckView(Endpoint):
    area = "operational"

    @documented(
        "Look at every component now",
        answer=ReportAnswer,
        example_answer={"report": EXAMPLE_REPORT},
        message="Health check completed",
    )
    def get(self, request: Request) -> Response:
        """One round over everything within HEALTH_CHECK_TIMEOUT_SECONDS.

        While a round is under way, or was less than ten seconds ago, its latest report. A failing
        component is part of an answer of 200.
        """
        return reply("Health check completed", {"report": services.report()})


class TrendsView(Endpoint):
    area = "operational"

    @documented(
        "Show availability and answer times of a period",
        answer=TrendsAnswer,
        example_answer={"trends": EXAMPLE_TRENDS},
        message="Health trends",
        query={"period": {"type": "string", "default": PERIOD, "pattern": "^[0-9]+[hd]$"}},
    )
    def get(self, request: Request) -> Response:
        """Figures of the period (24h, 7d, 90d; at most 730d), by component.

        Gaps, unknown looks and maintenance count neither as up nor as down; where nothing is
        known, a figure is null.
        """
        try:
            period = read(request.query_params.get("period", PERIOD))
        except NoPeriod as error:
            raise Invalid([("period", "invalid", str(error))]) from error
        return reply("Health trends", {"trends": uptime.answer(period, timezone.now())})
