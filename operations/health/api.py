"""The health calls: check now, trends of a period, add a component."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import fields
from aethercrown.api.endpoint import Conflict, InvalidRequest, StrictEndpoint, reply
from aethercrown.api.openapi import documented
from operations.health import services, targets
from operations.health.history.rollups import InvalidPeriod, parse_period
from operations.health.maintenance import MAX_MINUTES
from operations.health.models import Component, HealthStatus
from operations.health.reports.history import trends_report

DEFAULT_PERIOD = "24h"
KINDS = [targets.HTTP, targets.TCP, targets.TLS]
NAMED = {"name": "Shop", "kind": "http", "target": "https://shop.example.com/health"}
EXAMPLE_TARGET = {**NAMED, "slow_ms": 800}
EXAMPLE_COMPONENT = {**NAMED, "status": "not_looked_at", "state": "unknown", "is_required": True}
HEALTHY_EXAMPLE = {
    "status": "healthy",
    "state": "up",
    "response_time_ms": 1.9,
    "error": None,
    "checked_at": "2026-12-31T23:59:00Z",
    "since": "2026-12-01T08:00:00Z",
}
DEGRADED_EXAMPLE = {
    **HEALTHY_EXAMPLE,
    "status": "degraded",
    "response_time_ms": 0.1,
    "error": "7.2 GB of 100.0 GB are free on the data folder's disk.",
}
EXAMPLE_SUMMARY = {
    "total_components": 2,
    "healthy": 1,
    "degraded": 1,
    "unhealthy": 0,
    "unknown": 0,
    "off": 0,
    "not_looked_at": 0,
}
EXAMPLE_REPORT: dict[str, Any] = {
    "overall_status": "degraded",
    "checked_at": "2026-12-31T23:59:00Z",
    "check_duration_seconds": 0.214,
    "components": {"database": HEALTHY_EXAMPLE, "disk": DEGRADED_EXAMPLE},
    "summary": EXAMPLE_SUMMARY,
}
DATABASE_TREND = {"availability_percent": 99.931, "total_checks": 1440, "last_status": "healthy"}
EXAMPLE_TRENDS: dict[str, Any] = {
    "total_checks": 1440,
    "availability_percent": 99.931,
    "trends": {"database": {**DATABASE_TREND, "p50_ms": 1.4, "p95_ms": 3.2, "p99_ms": 9.8}},
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


class ComponentHealthSerializer(serializers.Serializer[Any]):
    """The latest check of one component, and its confirmed state."""

    status = fields.Option(choices=HealthStatus.values)
    state = fields.Option(choices=Component.State.values)
    response_time_ms = fields.Number(allow_null=True)
    error = fields.Text(allow_null=True)
    checked_at = fields.Instant(allow_null=True)
    since = fields.Instant(allow_null=True)


class HealthSummarySerializer(serializers.Serializer[Any]):
    total_components = fields.Count()
    healthy = fields.Count()
    degraded = fields.Count()
    unhealthy = fields.Count()
    unknown = fields.Count()
    off = fields.Count()
    not_looked_at = fields.Count()


class HealthReportSerializer(serializers.Serializer[Any]):
    overall_status = fields.Option(choices=HealthStatus.values)
    checked_at = fields.Instant(allow_null=True)
    check_duration_seconds = fields.Number()
    components = fields.ValueMap(child=ComponentHealthSerializer())
    summary = HealthSummarySerializer()


class ComponentTrendSerializer(serializers.Serializer[Any]):
    availability_percent = fields.Percent(allow_null=True)
    total_checks = fields.Count()
    last_status = fields.Option(choices=HealthStatus.values)
    p50_ms = fields.Number(allow_null=True)
    p95_ms = fields.Number(allow_null=True)
    p99_ms = fields.Number(allow_null=True)


class IncidentSerializer(serializers.Serializer[Any]):
    component = fields.Text()
    started_at = fields.Instant()
    ended_at = fields.Instant(allow_null=True)
    duration_seconds = fields.Number()
    kind = fields.Text(allow_blank=True)
    error = fields.Text(allow_blank=True)


class HealthTrendsSerializer(serializers.Serializer[Any]):
    total_checks = fields.Count()
    availability_percent = fields.Percent(allow_null=True)
    trends = fields.ValueMap(child=ComponentTrendSerializer())
    recent_incidents = fields.ItemList(child=IncidentSerializer())


class HealthCheckResponseSerializer(serializers.Serializer[Any]):
    report = HealthReportSerializer()


class HealthTrendsResponseSerializer(serializers.Serializer[Any]):
    trends = HealthTrendsSerializer()


class AddComponentSerializer(serializers.Serializer[Any]):
    """A target to check; omitted fields get the defaults of the admin."""

    name = fields.Text(max_length=100)
    kind = fields.Option(choices=KINDS, required=False)
    target = fields.Text(max_length=targets.MAX_LENGTH)
    method = fields.Option(choices=["GET", "HEAD"], required=False)
    status_from = fields.Count(min_value=100, max_value=599, required=False)
    status_to = fields.Count(min_value=100, max_value=599, required=False)
    text = fields.Text(max_length=200, required=False, allow_blank=True)
    slow_ms = fields.Count(min_value=1, max_value=60_000, required=False)
    check_every_seconds = fields.Count(
        min_value=30, max_value=86_400, required=False, allow_null=True
    )
    certificate_degraded_days = fields.Number(min_value=0, required=False, allow_null=True)
    certificate_unhealthy_days = fields.Number(min_value=0, required=False, allow_null=True)
    maintenance_times = fields.Text(max_length=300, required=False, allow_blank=True)
    maintenance_zone = fields.Text(max_length=64, required=False, allow_blank=True)
    maintenance_minutes = fields.Count(
        min_value=1, max_value=MAX_MINUTES, required=False, allow_null=True
    )
    is_required = fields.Flag(required=False)


class ComponentSerializer(serializers.Serializer[Any]):
    """A stored target, without its query."""

    name = fields.Text()
    kind = fields.Option(choices=KINDS)
    target = fields.Text()
    status = fields.Option(choices=HealthStatus.values)
    state = fields.Option(choices=Component.State.values)
    is_required = fields.Flag()


class AddComponentResponseSerializer(serializers.Serializer[Any]):
    component = ComponentSerializer()


class CheckView(StrictEndpoint):
    area = "operational"
    permission_to_read = "operations.view_component"

    @documented(
        "Check every component now",
        answer=HealthCheckResponseSerializer,
        example_answer={"report": EXAMPLE_REPORT},
        message="Health check completed",
    )
    def get(self, request: Request) -> Response:
        """Check everything within HEALTH_CHECK_TIMEOUT_SECONDS.

        While a round is running, or was less than ten seconds ago, the latest report. The status
        is 200 even if components fail.
        """
        return reply("Health check completed", {"report": services.check_and_report()})


class TrendsView(StrictEndpoint):
    area = "operational"
    query_names = ("period",)
    permission_to_read = "operations.view_component"

    @documented(
        "Show availability and response times of a period",
        answer=HealthTrendsResponseSerializer,
        example_answer={"trends": EXAMPLE_TRENDS},
        message="Health trends",
        query={"period": {"type": "string", "default": DEFAULT_PERIOD, "pattern": "^[0-9]+[hd]$"}},
    )
    def get(self, request: Request) -> Response:
        """Figures of the period (24h, 7d, 90d; at most 730d), by component.

        Gaps, unknown checks and maintenance count neither as up nor as down; a figure is null if
        nothing is known.
        """
        try:
            period = parse_period(request.query_params.get("period", DEFAULT_PERIOD))
        except InvalidPeriod as error:
            raise InvalidRequest([("period", "invalid", str(error))]) from error
        return reply("Health trends", {"trends": trends_report(period, timezone.now())})


class ComponentsView(StrictEndpoint):
    area = "operational"
    permission_to_read = "operations.view_component"
    permission_to_write = "operations.add_component"

    @documented(
        "Add a component",
        request=AddComponentSerializer,
        answer=AddComponentResponseSerializer,
        example_request=EXAMPLE_TARGET,
        example_answer={"component": EXAMPLE_COMPONENT},
        message="Component added",
        status=201,
        repeated=200,
    )
    def post(self, request: Request) -> Response:
        """Add an HTTP URL, or host:port for tcp and tls; it is checked within ten seconds.

        It must have public addresses: only staff may allow private networks. The same target
        again is 200; its name with other values is 409.
        """
        given = self.checked(AddComponentSerializer)
        try:
            found, is_new = services.add_component(given.pop("name"), given)
        except ValidationError as error:
            refused = error.message_dict.items()
            raise InvalidRequest(
                [(field, "invalid", words[0]) for field, words in refused]
            ) from error
        except services.ComponentExists as error:
            raise Conflict(str(error)) from error
        return reply(
            "Component added", {"component": component_fields(found)}, 201 if is_new else 200
        )


def component_fields(component: Component) -> dict[str, Any]:
    return {
        "name": component.name,
        "kind": component.kind,
        "target": targets.masked(component.target),
        "status": component.status,
        "state": component.state,
        "is_required": component.is_required,
    }
