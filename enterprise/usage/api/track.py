"""Track usage: readings of a client, or events."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import fields
from aethercrown.api.endpoint import Conflict, InvalidRequest, StrictEndpoint, reply
from aethercrown.api.openapi import documented
from aethercrown.history.attribution import actor_of
from aethercrown.severity import CRITICAL, WARNING
from enterprise.usage import examples, services
from enterprise.usage.metering.event_input import (
    MAX_EVENTS,
    MAX_ID_CHARACTERS,
    MAX_QUANTITY,
    ItemStatus,
    read_quantity,
    time_problem,
)
from enterprise.usage.reports import levels
from enterprise.usage.services import OwnClient, TrackedBatch
from revenue.customers import reports as customers

MAX_METRICS = 200
MAX_NAMED_EVENTS = 400  # of a refused batch with every bad field; of more only the index
STATUSES = [each.value for each in ItemStatus]


class MetricQuantity(fields.Number):
    """A quantity of 0 or more with at most six decimals, as an exact Decimal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": float(MAX_QUANTITY), **kwargs})

    def to_internal_value(self, data: Any) -> Any:
        super().to_internal_value(data)
        try:
            return read_quantity(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error), code="invalid") from error


class MetricMap(fields.ValueMap):
    """Quantities by metric."""

    longest = MAX_ID_CHARACTERS

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"child": MetricQuantity(), "most": MAX_METRICS, **kwargs})

    def to_internal_value(self, data: Any) -> dict[Any, Any]:
        found = super().to_internal_value(data)
        if bad := [name for name in found if not (name.strip() and name.isprintable())]:
            words = "must be a name of printable characters"
            raise serializers.ValidationError({name[:80] or "": [words] for name in bad})
        return {name.strip(): value for name, value in found.items()}


class UsageDataSerializer(serializers.Serializer[Any]):
    """Readings: the value so far in its period of each metric, and limits."""

    current = MetricMap(required=False)
    limits = MetricMap(required=False)
    recorded_at = fields.Instant(required=False)


class UsageEventSerializer(serializers.Serializer[Any]):
    """One event. The same `event_id` of a `source` counts once, however often it is sent."""

    event_id = fields.Identifier(max_length=MAX_ID_CHARACTERS)
    client_id = fields.Identifier(max_length=MAX_ID_CHARACTERS)
    metric = fields.Text(max_length=MAX_ID_CHARACTERS)
    quantity = fields.Number()
    timestamp = fields.Instant()
    corrects = fields.Text(max_length=MAX_ID_CHARACTERS, required=False)
    value = fields.Text(max_length=MAX_ID_CHARACTERS, required=False)
    source = fields.Text(max_length=MAX_ID_CHARACTERS, required=False)  # type: ignore[assignment]  # the field of this name


class EventList(fields.ItemList):
    """Events as they came: `metering.event_input` reads them one by one, fast."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=UsageEventSerializer(), most=MAX_EVENTS, least=1, **kwargs)

    def run_child_validation(self, data: Any) -> Any:
        return data


class TrackUsageRequestSerializer(serializers.Serializer[Any]):
    """Readings of one client, or events of any clients."""

    client_id = fields.Identifier(max_length=MAX_ID_CHARACTERS, required=False)
    usage_data = UsageDataSerializer(required=False)
    events = EventList(required=False)
    atomic = fields.Flag(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Either events or the readings of a client."""
        if "events" in attrs:
            both = [name for name in ("client_id", "usage_data") if name in attrs]
            if both:
                words = "stands with readings, not with events"
                raise serializers.ValidationError({name: [words] for name in both})
            return attrs
        missing = [name for name in ("client_id", "usage_data") if name not in attrs]
        if missing:
            words = "is required, unless `events` are sent"
            detail = {name: [serializers.ErrorDetail(words, "required")] for name in missing}
            raise serializers.ValidationError(detail)
        return attrs


class LimitAlertSerializer(serializers.Serializer[Any]):
    severity = fields.Option(choices=[WARNING, CRITICAL])
    metric = fields.Text()
    usage_percent = fields.Number(allow_null=True)
    message = fields.Text()


class UsageSummarySerializer(serializers.Serializer[Any]):
    """What is at or above a threshold now; a metric without a limit has no percentage."""

    client_id = fields.Text()
    timestamp = fields.Instant()
    usage_percentages = fields.ValueMap(child=fields.Number(allow_null=True))
    without_limit = fields.ItemList(child=fields.Text())
    alerts = fields.ItemList(child=LimitAlertSerializer())
    requires_attention = fields.Flag()


class TrackedItemSerializer(serializers.Serializer[Any]):
    index = fields.Count()
    event_id = fields.Text(allow_blank=True)
    status = fields.Option(choices=STATUSES)
    reason = fields.Text(allow_blank=True)


class TrackUsageResponseSerializer(serializers.Serializer[Any]):
    """The client's summary after readings; after events, what became of each."""

    summary = UsageSummarySerializer(required=False)
    readings = fields.ValueMap(child=fields.Option(choices=STATUSES), required=False)
    ignored = fields.ItemList(child=fields.Text(), required=False)
    accepted = fields.Count(required=False)
    duplicates = fields.Count(required=False)
    conflicts = fields.Count(required=False)
    rejected = fields.Count(required=False)
    items = fields.ItemList(child=TrackedItemSerializer(), most=MAX_EVENTS, required=False)


def own_client(request: Request) -> OwnClient | None:
    """The client whose key made the call; None where it is no client's key."""
    customer = getattr(request.auth, "customer", None)
    if customer is None:
        return None
    return OwnClient(customer, customers.external_ids([customer]).get(customer, ""))


class TrackUsageView(StrictEndpoint):
    area = "enterprise"
    permission_to_read = "enterprise.view_usageevent"
    takes_customer_keys = True

    @documented(
        "Track usage",
        request=TrackUsageRequestSerializer,
        answer=TrackUsageResponseSerializer,
        example_request=examples.READINGS,
        example_answer=examples.TRACKED,
        message="Usage tracked",
    )
    def post(self, request: Request) -> Response:
        """Store readings of one client, or up to 5,000 events.

        A reading is the value so far in its period: of a counter, the rise over the previous
        reading counts. Events count once for each `event_id` and `source`. With `atomic` (true
        where it is not sent) one bad event refuses the whole batch with 400 and every bad index,
        and an id that another event has with 409; with false the good ones stand, and each item
        says what became of it. A client's key sends the use of that client, without limits and
        corrections; other clients are unknown to it.
        """
        values = self.checked(TrackUsageRequestSerializer)
        if "events" in values:
            return self._track_events(values["events"], atomic=values.get("atomic", True))
        return self._track_readings(values)

    def _track_events(self, events: list[Any], *, atomic: bool) -> Response:
        now = timezone.now()
        try:
            batch = services.track_events(
                events, atomic=atomic, now=now, only=own_client(self.request)
            )
        except services.BatchRejected as error:
            raise InvalidRequest(batch_problems(error.rejected)) from error
        except services.BatchConflicts as error:
            raise Conflict(str(error)) from error
        return reply("Usage tracked", batch_fields(batch))

    def _track_readings(self, values: Mapping[str, Any]) -> Response:
        now = timezone.now()
        given = values["usage_data"]
        if (own := own_client(self.request)) is not None:
            if own.client_id != values["client_id"]:
                raise NotFound(f"There is no client {values['client_id']!r}.")
            if "limits" in given:
                words = "is not taken from a client's key"
                raise InvalidRequest([("usage_data.limits", "not_allowed", words)])
        at = given.get("recorded_at", now)
        if problem := time_problem(at, now):
            raise InvalidRequest([("usage_data.recorded_at", problem.code, problem.message)])
        try:
            tracked = services.track_readings(
                values["client_id"],
                given.get("current", {}),
                given.get("limits", {}),
                recorded_at=at,
                by=actor_of(self.request),
                now=now,
            )
        except services.NeedsEvents as error:
            words = "counts different values: send events, each with its value"
            raise InvalidRequest(
                [(f"usage_data.current.{each}", "needs_events", words) for each in error.metrics]
            ) from error
        except services.UnknownNames as error:
            raise InvalidRequest(unknown_name_problems(error)) from error
        except services.ReadingConflicts as error:
            raise Conflict(str(error)) from error
        found = levels.summary(values["client_id"], tracked.customer, at, now)
        body = {
            "summary": found.as_dict(),
            "readings": tracked.statuses,
            "ignored": ignored_names(body_of(self.request)["usage_data"], UsageDataSerializer),
        }
        return reply("Usage tracked", body)


def batch_fields(batch: TrackedBatch) -> dict[str, Any]:
    return {
        "accepted": batch.count(ItemStatus.ACCEPTED),
        "duplicates": batch.count(ItemStatus.DUPLICATE),
        "conflicts": batch.count(ItemStatus.CONFLICT),
        "rejected": batch.count(ItemStatus.REJECTED),
        "items": [
            {
                "index": each.index,
                "event_id": each.event_id,
                "status": each.status.value,
                "reason": each.reason,
            }
            for each in batch.items
        ],
    }


def batch_problems(rejected: Any) -> list[tuple[str, str, str]]:
    """Every bad field with its path; where many events are bad, the indexes of the others."""
    found = [
        (f"events[{each.index}].{problem.field}".rstrip("."), problem.code, problem.message)
        for each in rejected[:MAX_NAMED_EVENTS]
        for problem in each.problems
    ]
    if others := rejected[MAX_NAMED_EVENTS:]:
        named = ", ".join(str(each.index) for each in others)
        found.insert(0, ("events", "invalid", f"also not valid at {named}"))
    return found


def unknown_name_problems(error: services.UnknownNames) -> list[tuple[str, str, str]]:
    found = [("client_id", "unknown_client", "is not known here")] if error.client else []
    words = "is not known here; staff closed the list of metrics"
    return found + [
        (f"usage_data.current.{each}", "unknown_metric", words) for each in error.metrics
    ]


def body_of(request: Request) -> Any:
    """The body as it came."""
    return request.data


def ignored_names(given: Mapping[str, Any], shape: type[serializers.Serializer[Any]]) -> list[str]:
    """The names of an open object that nothing reads."""
    return sorted(set(given) - set(shape().fields))[:MAX_METRICS]
