"""Views of odd shapes, which no feature has but the spine must bear."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.db import DataError, InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisDown
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown import effects
from aethercrown.api import fields
from aethercrown.api.endpoint import Conflict, Endpoint, ReadOnlyViewSet, reply
from aethercrown.api.openapi import documented
from aethercrown.models import IdempotencyRecord


class RowSerializer(serializers.Serializer[Any]):
    channel = fields.Text(max_length=20)
    spend = fields.Money()
    on = fields.Date(required=False)


class ShapeSerializer(serializers.Serializer[Any]):
    total = fields.Money(min_value=1)
    rows = fields.ItemList(child=RowSerializer(), most=3, required=False)
    limits = fields.ValueMap(child=fields.Number(min_value=0), most=2, required=False)
    who = fields.Identifier(required=False)
    facts = fields.ScalarMap(required=False)
    tone = fields.Option(choices=["warm", "dry"], required=False)


class Checked(Endpoint):
    area = "optimization"

    @documented(
        "Check a shape",
        request=ShapeSerializer,
        answer=ShapeSerializer,
        example_request={"total": 10, "rows": [{"channel": "search", "spend": 1.5}]},
        example_answer={"total": 10, "rows": [{"channel": "search", "spend": 1.5}]},
    )
    def post(self, request: Request) -> Response:
        """Takes anything of that shape."""
        shape = self.checked(ShapeSerializer)
        return reply("Checked", ShapeSerializer(shape).data)


def made() -> int:
    return Group.objects.filter(name__startswith="made").count()


class Effect(Endpoint):
    """Makes a group for each call, then answers with the status of the query."""

    area = "optimization"

    @documented("Make a group", status=201, query={"status": {"type": "integer"}})
    def post(self, request: Request, name: str = "x") -> Response:
        Group.objects.create(name=f"made {made()}")
        status = int(request.query_params.get("status", 201))
        if status == 409:
            raise Conflict
        if status == 503:
            raise OperationalError("the database went away")
        if status == 500:
            raise RuntimeError("a bug")
        return reply("Made", {"count": made()}, status=status)


class Secret(Endpoint):
    area = "operational"
    secret_reply = frozenset({"new_key"})

    @documented(
        "Rotate",
        answer={"type": "object", "properties": {"rotations": {"type": "array"}}},
        example_answer={"rotations": [{"new_key": "s3cret", "version": 2}]},
    )
    def post(self, request: Request) -> Response:
        return reply("Rotated", {"rotations": [{"new_key": "s3cret", "version": 2}]})


ERRORS: dict[str, Exception] = {
    "conflict": Conflict("May 2026 is approved already."),
    "forbidden": PermissionDenied(),
    "missing": Group.DoesNotExist(),
    "suspicious": SuspiciousOperation("x"),
    "too-big": RequestDataTooBig("x"),
    "invalid": ValidationError({"name": ["too odd"]}),
    "data": DataError("out of range"),
    "database": OperationalError("gone"),
    "connection": InterfaceError("closed"),
    "broker": BrokerError("gone"),
    "redis": RedisDown("gone"),
    "bug": RuntimeError("password=hunter2"),
    "throttled": exceptions.Throttled(2.5),
}


class Raising(Endpoint):
    area = "optimization"

    def get(self, request: Request, name: str) -> Response:
        raise ERRORS[name]


class NotANumber(Endpoint):
    area = "optimization"

    def get(self, request: Request) -> Response:
        return reply("Rendered too late to be refused", float("nan"))


class ReplySerializer(serializers.ModelSerializer[IdempotencyRecord]):
    class Meta:
        model = IdempotencyRecord
        fields = ["id", "key", "created_at"]


class Replies(ReadOnlyViewSet[IdempotencyRecord]):
    area = "optimization"
    list_name = "replies"
    title = "reply"
    permission_to_read = "security.view_pages"
    ordering: str | tuple[str, ...] = ("-created_at", "pk")
    queryset = IdempotencyRecord.objects.all()
    serializer_class = ReplySerializer
    example = {"id": 1, "key": "k", "created_at": "2026-12-31T23:59:00Z"}


class Tied(Replies):
    ordering = "-created_at"


class Unknown(Replies):
    ordering = "nothing"


class Undocumented(Endpoint):
    area = "optimization"

    def get(self, request: Request) -> Response:
        return reply("Nobody says what this is", None)


class Bare(Endpoint):
    area = "optimization"

    @documented("Take a shape, with no example", request=ShapeSerializer, answer=ShapeSerializer)
    def post(self, request: Request) -> Response:
        return reply("Taken", None)


def broken_page(_request: HttpRequest) -> HttpResponse:
    raise OperationalError("gone")


def forbidden_page(_request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


class Stepwise(Endpoint):
    """Commits a step and notes it, then may fail; a repeat is answered from what was noted."""

    area = "optimization"
    in_one_transaction = False

    @documented("Act in steps", example_request={})
    def post(self, request: Request) -> Response:
        """Makes a group."""
        with transaction.atomic():
            group = Group.objects.create(name=f"made {Group.objects.count()}")
            effects.record({"group": group.pk})
        if "crash" in request.query_params:
            raise RuntimeError
        return reply("Made", {"group": group.pk}, 201)

    def answer_from(self, effect: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        return reply("Made", effect, 201)


urlpatterns = [
    path("api/v1/stepwise", Stepwise.as_view()),
    path("api/v1/checked", Checked.as_view()),
    path("api/v1/effect", Effect.as_view()),
    path("api/v1/effect/<str:name>", Effect.as_view()),
    path("api/v1/secret", Secret.as_view()),
    path("api/v1/raising/<str:name>", Raising.as_view()),
    path("api/v1/nan", NotANumber.as_view()),
    path("api/v1/replies", Replies.as_view({"get": "list"})),
    path("api/v1/replies/<int:pk>", Replies.as_view({"get": "retrieve"})),
    path("api/v1/tied", Tied.as_view({"get": "list"})),
    path("api/v1/unknown", Unknown.as_view({"get": "list"})),
    path("api/v1/undocumented", Undocumented.as_view()),
    path("api/v1/bare", Bare.as_view()),
    path("api/v1/broken", broken_page),
    path("api/v1/forbidden", forbidden_page),
    path("broken", broken_page),
]

handler400 = "aethercrown.api.errors.bad_request"
handler403 = "aethercrown.api.errors.forbidden"
handler404 = "aethercrown.api.errors.not_found"
handler500 = "aethercrown.api.errors.server_error"
