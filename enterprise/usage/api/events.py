"""Inspect events, and backfill older use."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import fields
from aethercrown.api.body_limits import MAX_BODY_BYTES
from aethercrown.api.endpoint import (
    Conflict,
    InvalidRequest,
    Pages,
    StrictEndpoint,
    TooLarge,
    reply,
)
from aethercrown.api.openapi import documented
from aethercrown.csv.reader import InvalidCSV
from aethercrown.history.attribution import actor_of
from aethercrown.transitions import InvalidTransition
from enterprise.usage import examples
from enterprise.usage.api.report import plain
from enterprise.usage.api.track import EventList, own_client
from enterprise.usage.metering.event_input import (
    MAX_EVENTS,
    MAX_ID_CHARACTERS,
    ItemStatus,
    read_moment,
)
from enterprise.usage.models import UsageBackfill
from enterprise.usage.reports import backfills, inspector
from enterprise.usage.reports.backfills import BackfillRange
from enterprise.usage.services import backfill
from enterprise.usage.services.backfill import InvalidRange, PreviewOutdated
from enterprise.usage.services.imports import events_of_csv

STATUSES = [ItemStatus.ACCEPTED.value, *(each.value for each in inspector.REFUSED)]
INSTANT = {"type": "string", "format": "date-time"}


class StoredEventSerializer(serializers.Serializer[Any]):
    """An event, and where it stands. Of a refused one only what it said is known."""

    event_id = fields.Text(allow_blank=True)
    client_id = fields.Text(allow_blank=True)
    metric = fields.Text(allow_blank=True)
    quantity = fields.Number(allow_null=True)
    timestamp = fields.Instant(allow_null=True)
    received_at = fields.Instant()
    source = fields.Text()  # type: ignore[assignment]  # the field of this name
    status = fields.Option(choices=STATUSES)
    reason = fields.Text(allow_blank=True)
    corrects = fields.Text(allow_blank=True)
    corrected_by = fields.ItemList(child=fields.Text())
    hour = fields.Instant(allow_null=True)
    period_start = fields.Date(allow_null=True)
    is_late = fields.Flag()
    possible_duplicate = fields.Flag()
    billed_in = fields.Text(allow_blank=True)
    backfill_id = fields.Count(allow_null=True)


class EventsView(StrictEndpoint):
    area = "enterprise"
    permission_to_read = "enterprise.view_usageevent"
    takes_customer_keys = True
    list_name = "events"
    title = "event"
    ordering = "-pk"
    query_names = (*inspector.FILTERS, "cursor", "limit")

    @documented(
        "Inspect events",
        answer=StoredEventSerializer,
        example_answer={"events": [examples.STORED_EVENT], "next": None, "previous": None},
        message="1 event",
        query={
            "event_id": {"type": "string"},
            "client_id": {"type": "string"},
            "metric": {"type": "string"},
            "from": INSTANT,
            "to": INSTANT,
            "status": {"type": "string", "enum": STATUSES, "default": "accepted"},
        },
        list_name="events",
    )
    def get(self, request: Request) -> Response:
        """Stored events, the newest first, with the hour, period and invoice that they count in.

        With `status` rejected or conflict those of the last seven days that were refused, and why;
        `from` and `to` are then times of receipt. A client's key sees its own.
        """
        given = event_filters(request)
        own = own_client(request)
        if own and given.setdefault("client_id", own.client_id) != own.client_id:
            raise NotFound
        is_refused = given.get("status", STATUSES[0]) != STATUSES[0]
        rows: Any = inspector.refused(given) if is_refused else inspector.events(given)
        pages = Pages()
        page = pages.paginate_queryset(rows, request, view=self)
        describe: Any = inspector.described_refusals if is_refused else inspector.described
        return pages.get_paginated_response(describe(page))


def event_filters(request: Request) -> dict[str, Any]:
    """The filters of the query, read; InvalidRequest names every bad one."""
    problems = []
    given: dict[str, Any] = {}
    for name in inspector.FILTERS:
        if name in request.query_params:
            given[name] = request.query_params[name].replace("\0", "")
    for name in ("from", "to"):
        if name in given:
            try:
                given[name] = read_moment(given[name].replace(" ", "+"))
            except ValueError as error:
                problems.append((name, "invalid", str(error)))
    if given.get("status", STATUSES[0]) not in STATUSES:
        problems.append(("status", "invalid_choice", f"must be one of {', '.join(STATUSES)}"))
    if problems:
        raise InvalidRequest(problems)
    return given


class BackfillSerializer(serializers.Serializer[Any]):
    """A backfill; `preview` has what applying it changes, by client, metric and day."""

    backfill_id = fields.Count(source="pk")
    state = fields.Option(choices=UsageBackfill.State.values)
    mode = fields.Option(choices=UsageBackfill.Mode.values)
    digest = fields.Text()
    previewed_at = fields.Instant()
    applied_at = fields.Instant(allow_null=True)
    reverted_at = fields.Instant(allow_null=True)
    preview = serializers.JSONField()


class BackfillRequestSerializer(serializers.Serializer[Any]):
    """Events of any age, or CSV text; with mode replace also the client, metric and range."""

    events = EventList(required=False)
    csv = fields.Text(max_length=MAX_BODY_BYTES, required=False)
    mode = fields.Option(choices=UsageBackfill.Mode.values, required=False)
    client = fields.Identifier(max_length=MAX_ID_CHARACTERS, required=False)
    metric = fields.Text(max_length=MAX_ID_CHARACTERS, required=False)
    to = fields.Instant(required=False)
    dry_run = fields.Flag(required=False)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": fields.Instant(required=False)}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Either events or CSV. A replacement has a range; an addition none."""
        if ("events" in attrs) == ("csv" in attrs):
            words, code = "either this or csv is sent", "required"
            raise serializers.ValidationError({"events": [serializers.ErrorDetail(words, code)]})
        names = ("client", "metric", "from", "to")
        is_replaced = attrs.get("mode") == UsageBackfill.Mode.REPLACE
        wrong = [name for name in names if (name in attrs) != is_replaced]
        words = "is required where mode is replace" if is_replaced else "needs mode replace"
        if wrong:
            code = "required" if is_replaced else "invalid"
            raise serializers.ValidationError(
                {name: [serializers.ErrorDetail(words, code)] for name in wrong}
            )
        return attrs


class BackfillResponseSerializer(serializers.Serializer[Any]):
    backfill = BackfillSerializer()


class ApplyBackfillRequestSerializer(serializers.Serializer[Any]):
    """The digest of the preview that is applied."""

    digest = fields.Text(max_length=64)


class NothingSerializer(serializers.Serializer[Any]):
    """An empty body."""


def backfill_fields(row: UsageBackfill) -> dict[str, Any]:
    return {
        "backfill_id": row.pk,
        "state": row.state,
        "mode": row.mode,
        "digest": row.digest,
        "previewed_at": row.previewed_at,
        "applied_at": row.applied_at,
        "reverted_at": row.reverted_at,
        "preview": plain(row.preview),
    }


RANGE_FIELDS = {"client_id": "client", "timestamp": "from"}


def given_events(values: dict[str, Any]) -> list[Any]:
    """The events of the body, or of its CSV text."""
    if "csv" not in values:
        events: list[Any] = values["events"]
        return events
    try:
        found = events_of_csv(values["csv"])
    except InvalidCSV as error:
        raise InvalidRequest([("csv", "invalid", str(error))]) from error
    if not found:
        raise InvalidRequest([("csv", "empty", "has no rows")])
    if len(found) > MAX_EVENTS:
        raise TooLarge(f"csv has {len(found):,} rows; at most {MAX_EVENTS:,} are taken.")
    return found


class BackfillsView(StrictEndpoint):
    area = "enterprise"
    permission_to_read = "enterprise.view_usagebackfill"
    permission_to_write = "security.approve_decisions"
    list_name = "backfills"
    title = "backfill"
    ordering = "-pk"
    query_names = ("cursor", "limit")

    @documented(
        "List the backfills",
        answer=BackfillSerializer,
        example_answer={"backfills": [examples.BACKFILL], "next": None, "previous": None},
        message="1 backfill",
        list_name="backfills",
    )
    def get(self, request: Request) -> Response:
        """Every backfill, the newest first."""
        pages = Pages()
        page = pages.paginate_queryset(backfills.backfills(), request, view=self)
        return pages.get_paginated_response([backfill_fields(each) for each in page])

    @documented(
        "Preview a backfill",
        request=BackfillRequestSerializer,
        answer=BackfillResponseSerializer,
        example_request={"events": [{**examples.EVENT, "timestamp": "2026-10-03T09:00:00Z"}]},
        example_answer={"backfill": examples.BACKFILL},
        message="Backfill previewed",
        status=201,
    )
    def post(self, request: Request) -> Response:
        """What older use would change; with `dry_run` false it is applied at once.

        Rejected and conflicting events are listed with their row, and left out.
        """
        values = self.checked(BackfillRequestSerializer)
        by, now = actor_of(request), timezone.now()
        replaced = None
        if values.get("mode") == UsageBackfill.Mode.REPLACE:
            replaced = BackfillRange(
                values["client"], values["metric"], values["from"], values["to"]
            )
        try:
            row = backfill.preview(given_events(values), replaced, by=by, now=now)
        except InvalidRange as error:
            raise InvalidRequest(
                [
                    (RANGE_FIELDS.get(each.field, each.field), each.code, each.message)
                    for each in error.problems
                ]
            ) from error
        if values.get("dry_run", True):
            return reply("Backfill previewed", {"backfill": backfill_fields(row)}, 201)
        try:
            row = backfill.apply(row.pk, row.digest, by=by, now=now)
        except (InvalidTransition, PreviewOutdated) as error:
            raise Conflict(f"{row} is previewed: {error}") from error
        return reply("Backfill applied", {"backfill": backfill_fields(row)}, 201)


class ApplyBackfillView(StrictEndpoint):
    area = "enterprise"
    permission_to_read = "enterprise.view_usagebackfill"
    permission_to_write = "security.approve_decisions"

    @documented(
        "Apply a backfill",
        request=ApplyBackfillRequestSerializer,
        answer=BackfillResponseSerializer,
        example_request={"digest": examples.BACKFILL["digest"]},
        example_answer={"backfill": {**examples.BACKFILL, "state": "applied"}},
        message="Backfill applied",
    )
    def post(self, request: Request, pk: int) -> Response:
        """Store what was previewed. 409 if anything that it touches changed since."""
        values = self.checked(ApplyBackfillRequestSerializer)
        get_object_or_404(backfills.backfills(), pk=pk)
        try:
            row = backfill.apply(pk, values["digest"], by=actor_of(request), now=timezone.now())
        except (InvalidTransition, PreviewOutdated) as error:
            raise Conflict(str(error)) from error
        return reply("Backfill applied", {"backfill": backfill_fields(row)})


class RevertBackfillView(StrictEndpoint):
    area = "enterprise"
    permission_to_read = "enterprise.view_usagebackfill"
    permission_to_write = "security.approve_decisions"

    @documented(
        "Revert a backfill",
        answer=BackfillResponseSerializer,
        example_answer={"backfill": {**examples.BACKFILL, "state": "reverted"}},
        message="Backfill reverted",
    )
    def post(self, request: Request, pk: int) -> Response:
        """Write the exact negative of every row of it, once; a second time is 409."""
        self.checked(NothingSerializer)
        get_object_or_404(backfills.backfills(), pk=pk)
        try:
            row = backfill.revert(pk, by=actor_of(request), now=timezone.now())
        except InvalidTransition as error:
            raise Conflict(str(error)) from error
        return reply("Backfill reverted", {"backfill": backfill_fields(row)})
