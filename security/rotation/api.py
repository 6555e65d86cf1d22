"""The API of managed keys: register, list due keys, rotate one, rotate due keys, report."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import idempotency, throttling
from aethercrown.api.endpoint import Conflict, InvalidRequest, StrictEndpoint, reply
from aethercrown.api.fields import Count, Flag, Instant, ItemList, Option, Scalar, Text, ValueMap
from aethercrown.api.openapi import documented
from aethercrown.formatting import counted
from aethercrown.registry import UnknownName
from security.apikeys import reports as apikeys
from security.apikeys.scopes import REVEAL, ScopeNotHeld
from security.rotation import examples, registry, reports, services
from security.rotation.models import ManagedSecret
from security.rotation.results import isoformat
from security.rotation.rotators.apikey import check_scopes_held
from security.rotation.schedule import LEVELS, MAX_GRACE_MINUTES, MEDIUM

API_FIELD_NAMES = {"level": "security_level", "grace": "grace_minutes"}  # by service argument
RETRY_AFTER_SECONDS = 5
REVEAL_RATE = throttling.Rate(30, 0.5)
CONFIG_OF_STAFF = "Security staff decide where this key is used: they change it in the admin."
ASK_AGAIN = (
    "A worker goes on with it. Send the same request again within 15 minutes for the result and, "
    "once, the new value."
)


class RotationConflict(Conflict):
    """Another rotation of this key is in progress."""

    default_code = "rotation_in_flight"
    wait = RETRY_AFTER_SECONDS


class KeyIdField(serializers.RegexField):
    """A key's name. It is part of URLs, so it has no slash and no space."""

    default_error_messages = {
        "invalid": "must have 1 to 100 letters, digits and . _ - : @ and begin with a letter or "
        "digit",
        "not_a_text": "must be a text",
        "required": "is required",
        "null": "must not be null",
        "blank": "must not be empty",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(r"\A[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}\Z", **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_a_text")
        return data


class ConfigValueField(serializers.JSONField):
    """One value of a rotator's configuration: a text, number, boolean or list of texts."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list):
            return ItemList(child=Text(max_length=1_000), most=100).run_validation(data)
        value = Scalar().run_validation(data)
        return int(value) if isinstance(value, float) and value.is_integer() else value


class RegisterKeyRequestSerializer(serializers.Serializer[Any]):
    """The key to register. Without `value` the system generates one, if the rotator can."""

    key_id = KeyIdField()
    key_type = Text(max_length=50)
    security_level = Option(choices=LEVELS, default=MEDIUM)
    value = Text(
        max_length=registry.MAX_VALUE_LENGTH,
        required=False,
        allow_null=True,
        trim_whitespace=False,  # opaque: a blank at its end is part of it
    )
    rotator = Text(max_length=40, required=False, allow_null=True)
    config = ValueMap(child=ConfigValueField(), required=False, most=50)
    owner = Text(max_length=200, required=False, allow_blank=True, default="")

    def validate_rotator(self, name: str | None) -> str | None:
        try:
            return name and registry.rotators.get(name).name
        except UnknownName as error:
            raise serializers.ValidationError(str(error), code="unknown_rotator") from error


class RotateKeyRequestSerializer(serializers.Serializer[Any]):
    """Why, and how long the old value still works; `value` is for manual keys."""

    reason = Option(choices=services.REASONS, default=services.MANUAL)
    grace_minutes = Count(max_value=MAX_GRACE_MINUTES, required=False, allow_null=True)
    value = Text(
        max_length=registry.MAX_VALUE_LENGTH,
        required=False,
        allow_null=True,
        trim_whitespace=False,  # opaque: a blank at its end is part of it
    )
    expected_version = Count(required=False, allow_null=True)
    force = Flag(default=False)
    end_previous = Flag(default=False)


class RotateDueKeysRequestSerializer(serializers.Serializer[Any]):
    """`force` ignores the hourly limit and a pause; for staff."""

    force = Flag(default=False)


class ChangeKeyRequestSerializer(serializers.Serializer[Any]):
    """What is to be another; what is left out stays."""

    security_level = Option(choices=LEVELS, required=False)
    owner = Text(max_length=200, required=False, allow_blank=True)
    config = ValueMap(child=ConfigValueField(), required=False, most=50)


class ManagedKeySerializer(serializers.Serializer[Any]):
    """A managed key, without its value."""

    key_id = Text()
    key_type = Text()
    security_level = Option(choices=LEVELS)
    rotator = Text()
    state = Text()
    owner = Text(allow_blank=True)
    created_at = Instant()
    last_rotated = Instant(allow_null=True)
    rotation_interval_days = Count()
    next_rotation = Instant()
    version = Count(allow_null=True)


class DueKeySerializer(ManagedKeySerializer):
    days_overdue = Count()
    last_error = Text(allow_blank=True, max_length=2_000)


class RegisteredKeySerializer(serializers.Serializer[Any]):
    """`secret` is only in this answer, and only if the system generated it."""

    key_info = ManagedKeySerializer()
    secret = Text(required=False, allow_null=True, max_length=registry.MAX_VALUE_LENGTH)
    action_required = Text(required=False, allow_null=True)


class ChangedKeySerializer(serializers.Serializer[Any]):
    key_info = ManagedKeySerializer()


class KeyRotationSerializer(serializers.Serializer[Any]):
    """One rotation; `new_key` is only in this answer."""

    key_id = Text()
    reason = Option(choices=services.REASONS)
    rotated_at = Instant(allow_null=True)
    previous_rotation = Instant(allow_null=True)
    next_rotation = Instant()
    version = Count()
    new_key = Text(allow_null=True, max_length=registry.MAX_VALUE_LENGTH)
    previous_valid_until = Instant(allow_null=True)
    action_required = Text(allow_null=True, max_length=2_000)


class RotatedKeySerializer(serializers.Serializer[Any]):
    rotation = KeyRotationSerializer()


class RotationFailureSerializer(serializers.Serializer[Any]):
    key_id = Text()
    error = Text(max_length=2_000)


class KeyRotationRunSerializer(serializers.Serializer[Any]):
    """The result of rotating the due keys, without secrets."""

    rotations = ItemList(child=KeyRotationSerializer())
    failures = ItemList(child=RotationFailureSerializer())
    count = Count()
    due = Count()
    held_back = Count()
    paused_because = Text(allow_null=True, max_length=2_000)
    by_hand = ItemList(child=Text())
    under_way = ItemList(child=Text())


class DueKeyListSerializer(serializers.Serializer[Any]):
    due_keys = ItemList(child=DueKeySerializer())
    count = Count()


class KeyReportSerializer(serializers.Serializer[Any]):
    generated_at = Instant()
    total_keys = Count()
    overdue = Count()
    due_soon = Count()
    healthy = Count()
    failing = Count()
    overdue_keys = ItemList(child=DueKeySerializer())
    due_soon_keys = ItemList(child=DueKeySerializer())
    paused_keys = Count()
    failing_keys = ItemList(child=Text())
    last_run_at = Instant(allow_null=True)
    recommendations = ItemList(child=Text(max_length=2_000))


class KeyReportResponseSerializer(serializers.Serializer[Any]):
    report = KeyReportSerializer()


class KeyEndpoint(StrictEndpoint):
    """Users need the permission to change managed keys; `operate` is not enough."""

    area = "operational"
    permission_to_read = "security.view_managedsecret"
    fresh_methods = frozenset({"POST"})  # they show or end secrets
    permission_to_write = "security.change_managedsecret"


class RegisterKeyView(KeyEndpoint):
    secret_reply = frozenset({"secret"})

    @documented(
        "Register a key",
        request=RegisterKeyRequestSerializer,
        answer=RegisteredKeySerializer,
        example_request=examples.REGISTER,
        example_answer=examples.REGISTERED,
        message="Key registered",
        status=201,
        repeated=200,
    )
    def post(self, request: Request) -> Response:
        """The first version is current at once; the next is due after the interval of its level.

        The same body again is answered with 200 and without the secret, another body for the
        same key_id with 409.
        """
        body = self.checked(RegisterKeyRequestSerializer)
        check_scopes(request, body.get("rotator") or "", body.get("config") or {})
        with service_errors():
            level = body.pop("security_level")
            registered = services.register(level=level, actor=actor_of(request), **body)
        data: dict[str, Any] = {"key_info": reports.key_info(registered.key)}
        if registered.secret is not None:
            data["secret"] = registered.secret
        if registered.is_new:
            return reply("Key registered", data, 201)
        return reply("This key is registered already", data)


class KeyView(KeyEndpoint):
    @documented(
        "Change a key",
        request=ChangeKeyRequestSerializer,
        answer=ChangedKeySerializer,
        example_request={"security_level": "critical", "owner": "Billing"},
        example_answer={"key_info": examples.KEY | {"security_level": "critical"}},
        message="Key changed",
    )
    def patch(self, request: Request, key_id: str) -> Response:
        """Change the level, the owner or the rotator's configuration; the history keeps the former.

        Where a key may be used is decided by security staff: the configuration of a key that they
        have bound, or given a delivery channel, is changed in the admin only (409).
        """
        body = self.checked(ChangeKeyRequestSerializer)
        with service_errors():
            key = services.get(key_id)
            if "config" in body and not reports.may_config_be_changed_by_api(key):
                raise Conflict(CONFIG_OF_STAFF)
            level = body.pop("security_level", None)
            changed = services.change(key_id, level=level, actor=actor_of(request), **body)
        return reply("Key changed", {"key_info": reports.key_info(changed)})


class DueKeysView(KeyEndpoint):
    @documented(
        "List the keys that are due",
        answer=DueKeyListSerializer,
        example_answer={"due_keys": [examples.DUE_KEY], "count": 1},
        message="1 key is due",
    )
    def get(self, request: Request) -> Response:
        """Keys whose rotation is due, the longest overdue first."""
        due = reports.due(timezone.now())
        verb = "is" if len(due) == 1 else "are"
        message = f"{counted(len(due), 'key')} {verb} due"
        return reply(message, {"due_keys": due, "count": len(due)})


class RotateKeyView(KeyEndpoint):
    secret_reply = frozenset({"new_key"})
    in_one_transaction = False  # the steps of a rotation are commits between outside calls

    @documented(
        "Rotate a key",
        request=RotateKeyRequestSerializer,
        answer=RotatedKeySerializer,
        example_request=examples.ROTATE,
        example_answer={"rotation": examples.ROTATION},
        message="Key rotated",
    )
    def post(self, request: Request, key_id: str) -> Response:
        """Make a new value current; the old one works through the grace, or `grace_minutes`.

        With the reason `compromised` the old value is refused at once. While this key is being
        rotated the answer is 409 with Retry-After. If the new value cannot be set or does not
        work, the old one stays current and the answer is 409; so it is inside the grace that an
        earlier value was promised, unless `end_previous` is true. A manual key without a new value
        is answered with 202. A rotation that calls something outside is done by a worker: it may be
        answered with 202 too, and the same request again then gets the result.
        """
        body = self.checked(RotateKeyRequestSerializer)
        minutes = body.pop("grace_minutes", None)
        grace = None if minutes is None else timedelta(minutes=minutes)
        with service_errors():
            key = services.get(key_id)
            check_scopes(request, key.rotator, key.config)
            if reports.acts_outside(key):
                return self.by_worker(request, key, grace_minutes=minutes, **body)
            rotation = services.rotate(key_id, grace=grace, actor=actor_of(request), **body)
        return rotated(rotation)

    def by_worker(self, request: Request, key: ManagedSecret, **asked: Any) -> Response:
        """The result of a worker, or 202 if it takes longer than the caller waits."""
        asked = {name: each for name, each in asked.items() if each is not None}
        made = services.order(key, actor_of(request), timezone.now(), **asked)
        if services.wait(made) and (rotation := services.collect(made, timezone.now())):
            return rotated(rotation)
        unchanged = reports.unchanged(key, asked["reason"])
        data = {"rotation": {**unchanged, "action_required": ASK_AGAIN}}
        answer = reply("The rotation is under way", data, 202)
        answer.ask_again = True  # type: ignore[attr-defined]  # read by `endpoint.is_final`
        return answer

    def answer_from(
        self, effect: Mapping[str, Any], request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        """The rotation that was done; a credential that is shown only once is null."""
        done = services.completed_rotation(effect["key_id"], effect["version"])
        over = done.rotated_at is None or (
            timezone.now() - done.rotated_at >= idempotency.SECRET_RETENTION
        )
        shown = done.to_dict()
        if over or shown["new_key"] is None:
            shown |= {"new_key": None, "action_required": idempotency.GONE_MESSAGE}
        return reply("Key rotated", {"rotation": shown})


class RotateDueKeysView(KeyEndpoint):
    in_one_transaction = False

    @documented(
        "Rotate every key that is due",
        request=RotateDueKeysRequestSerializer,
        answer=KeyRotationRunSerializer,
        example_request={},
        example_answer=examples.ROTATION_RUN,
        message="1 key rotated",
    )
    def post(self, request: Request) -> Response:
        """Do a scheduled run now: the longest due first, within the hourly limit; safe to repeat.

        The answer has no secrets. Keys whose rotation calls something outside are `under_way`, done
        by a worker; those whose new value would reach nobody are to be rotated `by_hand`. `force`,
        which ignores the limit, is for staff.
        """
        force = self.checked(RotateDueKeysRequestSerializer)["force"]
        if force and request.auth is not None:
            raise PermissionDenied("Only staff may use force: sign in to the admin.")
        result = services.rotate_due_for(actor_of(request), force=force)
        return reply(f"{counted(len(result.rotations), 'key')} rotated", result.to_dict())


class KeyReportView(KeyEndpoint):
    @documented(
        "Report on all keys",
        answer=KeyReportResponseSerializer,
        example_answer={"report": examples.REPORT},
        message="Key rotation report",
    )
    def get(self, request: Request) -> Response:
        """How many keys are overdue, due soon and healthy, and what a person should do.

        Due soon: within 7 days, or within a quarter of its interval where that is less.
        """
        return reply("Key rotation report", {"report": reports.report(timezone.now())})


def rotated(rotation: services.RotationResult) -> Response:
    """200, or 202 for a manual key that waits for its new value."""
    data = {"rotation": rotation.to_dict()}
    if rotation.rotated_at is None and rotation.previous_valid_until is None:
        return reply("Waiting for the new value", data, 202)
    return reply("Key rotated", data)


class KeyValueSerializer(serializers.Serializer[Any]):
    """The current value; `detail` has the role of a database."""

    key_id = Text()
    version = Count()
    value = Text(max_length=registry.MAX_VALUE_LENGTH, trim_whitespace=False)
    detail = ValueMap(child=Text(), most=10)
    previous_valid_until = Instant(allow_null=True)


class KeyValueView(KeyEndpoint):
    scopes = (REVEAL,)
    permission_to_read = ""  # no session gets a value

    @documented(
        "Get the value of a key",
        answer=KeyValueSerializer,
        example_answer=examples.VALUE,
        message="The current value",
    )
    def get(self, request: Request, key_id: str) -> Response:
        """The current value, for an API key with the scope `security:reveal`.

        A delivery channel of the managed key must name that API key. Each read is recorded. At most
        30 at once, then one every two seconds.
        """
        credential: Any = request.auth
        if credential is None:
            raise PermissionDenied("Only an API key gets a value; no person and no session does.")
        if wait := throttling.buckets.acquire(f"reveal:{credential.id}", rate=REVEAL_RATE):
            raise Throttled(wait)
        with service_errors():
            try:
                found = services.reveal(
                    key_id, credential.id, actor=actor_of(request), now=timezone.now()
                )
            except services.NotBoundToKey as error:
                raise PermissionDenied(str(error)) from error
        until = isoformat(found.previous_valid_until)
        return reply("The current value", {**asdict(found), "previous_valid_until": until})


@contextmanager
def service_errors() -> Iterator[None]:
    """Translate the errors of a service to those of the API."""
    try:
        yield
    except services.SecretNotFound as error:
        raise NotFound(str(error)) from error
    except services.InvalidArgument as error:
        raise InvalidRequest(
            [(API_FIELD_NAMES.get(error.field, error.field), "invalid", str(error))]
        ) from error
    except services.RotationInProgress as error:
        raise RotationConflict(str(error)) from error
    except services.InvalidTransition as error:
        raise Conflict(str(error)) from error


def check_scopes(request: Request, rotator: str, config: Mapping[str, Any]) -> None:
    """Refuse to register or rotate an API key with scopes that the caller does not hold."""
    credential: Any = request.auth
    who: Any = request.user
    held = credential.scopes if credential else apikeys.held_scopes(who)
    try:
        check_scopes_held(rotator, config, held, "The key" if credential else who.get_username())
    except ScopeNotHeld as error:
        raise PermissionDenied(str(error)) from error


def actor_of(request: Request) -> str:
    """The caller's name in the audit chain."""
    credential: Any = request.auth
    return f"key:{credential.id}" if credential else f"user:{request.user.get_username()}"
