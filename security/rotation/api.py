"""The calls of managed keys: register, those due, rotate, rotate all that is due, report."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api.endpoint import Conflict, Endpoint, Invalid, reply
from aethercrown.api.fields import Count, Fact, Flag, Instant, Named, Option, Rows, Text
from aethercrown.api.openapi import documented
from security.apikeys import scopes
from security.rotation import examples, registry, reports, services
from security.rotation.policy import LEVELS, MEDIUM

Found = TypeVar("Found")
LONGEST_GRACE = 366 * 24 * 60  # minutes
REASONS = (services.MANUAL, services.SCHEDULED, services.COMPROMISED)
NAMES = {"level": "security_level", "grace": "grace_minutes"}  # of the services, and of the body
BUSY_SECONDS = 5
API_KEY = "platform_api_key"


class Busy(Conflict):
    """Another rotation of this key is under way."""

    default_code = "rotation_in_flight"
    wait = BUSY_SECONDS


class KeyName(serializers.RegexField):
    """What a key is called: it stands in addresses, so it has no slash and no space."""

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


class Setting(serializers.JSONField):
    """One thing that a rotator needs: a text, a number, true, false, or a list of texts."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, list):
            return Rows(child=Text(max_length=1_000), most=100).run_validation(data)
        found = Fact().run_validation(data)
        return int(found) if isinstance(found, float) and found.is_integer() else found


class KeyRegistrationSerializer(serializers.Serializer[Any]):
    """What is to be managed. Without `value` the system makes one, where the rotator can."""

    key_id = KeyName()
    key_type = Text(max_length=50)
    security_level = Option(choices=LEVELS, default=MEDIUM)
    value = Text(max_length=registry.MAX_VALUE_LENGTH, required=False, allow_null=True)
    rotator = Text(max_length=40, required=False, allow_null=True)
    config = Named(child=Setting(), required=False, most=50)
    owner = Text(max_length=200, required=False, allow_blank=True, default="")

    def validate_rotator(self, name: str | None) -> str | None:
        try:
            return name and registry.named(name).name
        except registry.UnknownRotator as error:
            raise serializers.ValidationError(str(error), code="unknown_rotator") from error


class RotationRequestSerializer(serializers.Serializer[Any]):
    """Why, and how long the old value still works; `value` is what a person brings."""

    reason = Option(choices=REASONS, default=services.MANUAL)
    grace_minutes = Count(max_value=LONGEST_GRACE, required=False, allow_null=True)
    value = Text(max_length=registry.MAX_VALUE_LENGTH, required=False, allow_null=True)
    expected_version = Count(required=False, allow_null=True)
    force = Flag(default=False)


class DueRotationSerializer(serializers.Serializer[Any]):
    """`force` lifts the hour's limit, and a pause; for staff."""

    force = Flag(default=False)


class KeyInfoSerializer(serializers.Serializer[Any]):
    """A managed key; never its value."""

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


class LateKeySerializer(KeyInfoSerializer):
    days_overdue = Count()
    last_error = Text(allow_blank=True, max_length=2_000)


class RegisteredKeySerializer(serializers.Serializer[Any]):
    """`secret` is there only where the system made it, and only in this answer."""

    key_info = KeyInfoSerializer()
    secret = Text(required=False, allow_null=True, max_length=registry.MAX_VALUE_LENGTH)
    action_required = Text(required=False, allow_null=True)


class RotationSerializer(serializers.Serializer[Any]):
    """One rotation; `new_key` is only in this answer."""

    key_id = Text()
    reason = Option(choices=REASONS)
    rotated_at = Instant(allow_null=True)
    previous_rotation = Instant(allow_null=True)
    next_rotation = Instant()
    version = Count()
    new_key = Text(allow_null=True, max_length=registry.MAX_VALUE_LENGTH)
    previous_valid_until = Instant(allow_null=True)
    action_required = Text(allow_null=True, max_length=2_000)


class RotatedKeySerializer(serializers.Serializer[Any]):
    rotation = RotationSerializer()


class RotationFailureSerializer(serializers.Serializer[Any]):
    key_id = Text()
    error = Text(max_length=2_000)


class KeyPassSerializer(serializers.Serializer[Any]):
    """What a pass over all due keys did; without secrets."""

    rotations = Rows(child=RotationSerializer())
    failures = Rows(child=RotationFailureSerializer())
    count = Count()
    due = Count()
    held_back = Count()
    paused_because = Text(allow_null=True, max_length=2_000)


class DueKeysSerializer(serializers.Serializer[Any]):
    due_keys = Rows(child=LateKeySerializer())
    count = Count()


class KeyFiguresSerializer(serializers.Serializer[Any]):
    generated_at = Instant()
    total_keys = Count()
    overdue = Count()
    due_soon = Count()
    healthy = Count()
    overdue_keys = Rows(child=LateKeySerializer())
    due_soon_keys = Rows(child=LateKeySerializer())
    paused_keys = Count()
    failing_keys = Rows(child=Text())
    last_pass_at = Instant(allow_null=True)
    recommendations = Rows(child=Text(max_length=2_000))


class KeyReportSerializer(serializers.Serializer[Any]):
    report = KeyFiguresSerializer()


class KeyEndpoint(Endpoint):
    """A person needs the permission to change keys; to operate is not enough."""

    area = "operational"
    permission_to_write = "security.change_managedsecret"


class RegisterView(KeyEndpoint):
    secret_reply = frozenset({"secret"})

    @documented(
        "Put a key under management",
        request=KeyRegistrationSerializer,
        answer=RegisteredKeySerializer,
        example_request=examples.REGISTER,
        example_answer=examples.REGISTERED,
        message="Key registered",
        status=201,
        repeated=200,
    )
    def post(self, request: Request) -> Response:
        """Its first version is current at once; the next is due after the interval of its level.

        The same body again answers 200 without the secret; another body for the same key_id is
        a 409.
        """
        body = self.checked(KeyRegistrationSerializer)
        refuse_more(request, body.get("rotator") or "", body.get("config") or {})
        made = answered(
            lambda: services.register(
                body["key_id"],
                body["key_type"],
                level=body["security_level"],
                value=body.get("value"),
                rotator=body.get("rotator"),
                config=body.get("config"),
                owner=body["owner"],
                actor=caller(request),
            )
        )
        told: dict[str, Any] = {"key_info": reports.key_info(made.key)}
        if made.secret is not None:
            told["secret"] = made.secret
        if made.is_new:
            return reply("Key registered", told, 201)
        return reply("This key is registered already", told)


class DueView(KeyEndpoint):
    @documented(
        "List the keys that are due",
        answer=DueKeysSerializer,
        example_answer={"due_keys": [examples.LATE], "count": 1},
        message="1 key is due",
    )
    def get(self, request: Request) -> Response:
        """Keys whose rotation is due, the longest overdue first."""
        due = reports.due(timezone.now())
        count = len(due)
        message = f"{count} key is due" if count == 1 else f"{count} keys are due"
        return reply(message, {"due_keys": due, "count": count})


class RotateView(KeyEndpoint):
    secret_reply = frozenset({"new_key"})
    in_one_transaction = False  # the steps of a rotation are commits between outside calls

    @documented(
        "Rotate a key",
        request=RotationRequestSerializer,
        answer=RotatedKeySerializer,
        example_request=examples.ROTATE,
        example_answer={"rotation": examples.ROTATION},
        message="Key rotated",
    )
    def post(self, request: Request, key_id: str) -> Response:
        """Make a new value current; the old one works through the grace, or `grace_minutes`.

        With the reason `compromised` the old one is refused at once. A rotation of this key that
        is under way is a 409 with Retry-After. Where the new value cannot be set or does not
        work, the old one stays current, and that is a 409 too.
        """
        body = self.checked(RotationRequestSerializer)
        minutes = body.get("grace_minutes")
        key = answered(lambda: services.get(key_id))
        refuse_more(request, key.rotator, key.config)
        rotation = answered(
            lambda: services.rotate(
                key_id,
                reason=body["reason"],
                grace=None if minutes is None else timedelta(minutes=minutes),
                value=body.get("value"),
                force=body["force"],
                expected_version=body.get("expected_version"),
                actor=caller(request),
            )
        )
        said = "Key rotated" if rotation.rotated_at else "A person has to act first"
        return reply(said, {"rotation": rotation.as_json()})


class AutoRotateView(KeyEndpoint):
    in_one_transaction = False

    @documented(
        "Rotate every key that is due",
        request=DueRotationSerializer,
        answer=KeyPassSerializer,
        example_request={},
        example_answer=examples.PASSED,
        message="1 key rotated",
    )
    def post(self, request: Request) -> Response:
        """The daily pass, now: the oldest first, within the hour's limit; safe to repeat.

        The answer holds no secrets. `force`, which lifts the limit, is for staff.
        """
        force = self.checked(DueRotationSerializer)["force"]
        if force and request.auth is not None:
            raise PermissionDenied("Only staff may force a pass: sign in to the admin.")
        passed = services.rotate_due(actor=caller(request), force=force)
        count = len(passed.rotations)
        return reply(f"{count} key{'' if count == 1 else 's'} rotated", passed.as_json())


class ReportView(KeyEndpoint):
    @documented(
        "Report on all keys",
        answer=KeyReportSerializer,
        example_answer={"report": examples.REPORT},
        message="Key rotation report",
    )
    def get(self, request: Request) -> Response:
        """How many keys are overdue, due within 7 days and healthy, and what a person should do."""
        return reply("Key rotation report", {"report": reports.report(timezone.now())})


def answered(ask: Callable[[], Found]) -> Found:
    """What `ask` finds, and its refusals as the caller is told them."""
    try:
        return ask()
    except services.SecretNotFound as error:
        raise NotFound(str(error)) from error
    except services.InvalidArgument as error:
        raise Invalid([(NAMES.get(error.field, error.field), "invalid", str(error))]) from error
    except services.InFlight as error:
        raise Busy(str(error)) from error
    except services.WrongStep as error:
        raise Conflict(str(error)) from error


def refuse_more(request: Request, rotator: str, config: Mapping[str, Any]) -> None:
    """No key makes or renews an API key that opens more than itself."""
    credential: Any = request.auth
    names = config.get("scopes")
    if rotator != API_KEY or credential is None or not isinstance(names, list):
        return
    try:
        asked = set(scopes.chosen(names))
    except scopes.UnknownScope:
        return  # the service refuses it, and lists the known ones
    lacking = sorted(asked - set(credential.scopes))
    if lacking:
        raise PermissionDenied(f"The key lacks {', '.join(lacking)}, so it cannot hand it out.")


def caller(request: Request) -> str:
    """Who asks, as the audit trail names them."""
    credential: Any = request.auth
    return f"key:{credential.id}" if credential else f"user:{request.user.get_username()}"
