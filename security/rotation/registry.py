"""The interfaces of rotators, which make and replace one kind of secret, and of channels. Pure.

The calls of one rotator step must end within 60 seconds, well within the key's lease.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from aethercrown.db.config_names import ConfigNames
from aethercrown.http.addresses import AddressRefused, Network
from aethercrown.http.postgres import VERIFY_FULL
from aethercrown.registry import Registry

RANDOM_BYTES = 32
MAX_VALUE_LENGTH = 10_000  # characters


class TargetRefused(Exception):
    """The target refused or cannot be asked: the value was not set, or does not work."""


class OutcomeUnknown(Exception):
    """The target gave no clear answer: the value may have been set."""


# What of the configurations of rotators and channels is no secret; a test asks for each name.
SHOWN = ConfigNames(
    plain=frozenset({
        *("host", "port", "dbname", "roles", "admin_role", "admin_key", "scopes", "instructions"),
        *("path", "format", "variable", "reload", "namespace", "secret", "data_key"),
        *("owner", "group"),
        "allow_downtime",
    }),
    addresses=frozenset({"url"}),
)  # fmt: skip
# All that is told of a failed call: an answer must not show which hosts and ports there are.
REFUSED = "The target refused."
UNREADABLE = "Its configuration cannot be read: enter it again."
TIMED_OUT = "The target did not answer in time."
WRONG_ANSWER = "The target gave a wrong answer."
PLAIN = {"refused": REFUSED, "timed out": TIMED_OUT, "wrong answer": WRONG_ANSWER}


class InvalidConfig(ValueError):
    """A rotator's configuration is invalid; `field` names the part."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A new value, and where it is to be set; `detail` holds no secret."""

    value: str = field(repr=False)
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential of the platform itself: only its digest is stored, the value is shown once."""

    value: str = field(repr=False)
    digest: str
    prefix: str
    last4: str
    detail: Mapping[str, Any]


DATABASE, WEBHOOK = "database", "webhook"  # purposes of a binding


@dataclass(frozen=True, slots=True)
class TargetAddress:
    """Where a secret is to be used, and for what."""

    purpose: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class BindingTerms:
    """How a target must prove itself, and in which private networks it may be; staff set it."""

    tls: str = VERIFY_FULL
    ca_certificate: str = ""
    networks: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundSecret:
    """A stored secret that staff allow at the target, with the terms of that and its `detail`."""

    value: str = field(repr=False)
    terms: BindingTerms
    detail: Mapping[str, Any] = field(default_factory=dict)


def unbound(address: TargetAddress) -> BindingTerms:
    """The terms of a key without any binding."""
    raise TargetRefused(f"No binding lets it be used at {address}.")


@dataclass(frozen=True, slots=True)
class RotationContext:
    """A version as its rotator sees it. `current` is the current value, None if there is none.

    `terms` and `secret_of` raise TargetRefused unless staff have bound this key, or the other
    managed key, to that address: no value is at hand without naming where it is used.
    """

    key_id: str
    config: Mapping[str, Any]
    number: int
    value: str = field(repr=False)
    detail: Mapping[str, Any]
    current: str | None = field(repr=False)
    current_detail: Mapping[str, Any]
    secret_of: Callable[[str, TargetAddress], BoundSecret] = field(repr=False)
    terms: Callable[[TargetAddress], BindingTerms] = field(repr=False, default=unbound)


def no_other_secret(key_id: str, address: TargetAddress) -> BoundSecret:
    """What a key without stored secrets beside it gets."""
    raise TargetRefused(f"No managed key {key_id!r} may be used at {address}.")


def empty_context(key_id: str, config: Mapping[str, Any]) -> RotationContext:
    """The context of a key without a value."""
    return RotationContext(key_id, config, 0, "", {}, None, {}, no_other_secret)


def random_value() -> str:
    """43 URL-safe characters; no dash first, which commands would take for an option."""
    while (value := secrets.token_urlsafe(RANDOM_BYTES)).startswith("-"):
        pass
    return value


class DeliveryTarget:
    """Where a new value is set and tested before it becomes current; the default does nothing."""

    name: ClassVar[str]
    title: ClassVar[str]
    revokes: ClassVar[bool] = True  # False: an old value is gone there once a new one is set
    keeps_last: ClassVar[bool] = False  # where it does not revoke: the last value stays there

    def validate_config(self, config: Mapping[str, Any]) -> None:
        """Raise InvalidConfig unless `config` is complete and valid."""

    def claims(self, config: Mapping[str, Any]) -> frozenset[str]:
        """What one key alone may change there, each as `described` names it."""
        return frozenset()

    def uses(self, key_id: str, config: Mapping[str, Any]) -> tuple[tuple[str, TargetAddress], ...]:
        """Which stored secrets a rotation uses there, by the names of their keys, and where.

        Raises TargetRefused, and KeyError for a configuration that is not complete.
        """
        return ()

    def check_bindings(self, context: RotationContext) -> None:
        """Raise TargetRefused unless staff allow all that a rotation uses there."""
        try:
            used = self.uses(context.key_id, context.config)
        except (AddressRefused, KeyError) as error:
            raise TargetRefused(UNREADABLE) from error
        for name, where in used:
            if name == context.key_id:
                context.terms(where)
            else:
                context.secret_of(name, where)

    def set(self, context: RotationContext) -> None:
        """Set the value there; safe to repeat. Raises TargetRefused, OutcomeUnknown."""

    def test(self, context: RotationContext) -> None:
        """Use the value there. Raises TargetRefused, OutcomeUnknown."""

    def undo(self, context: RotationContext) -> None:
        """Undo what `set` may have done, so that only the current value works."""

    def revoke(self, context: RotationContext) -> None:
        """Make an old value stop working; safe to repeat."""

    def described(self, context: RotationContext) -> str:
        """What of a version stands outside, in words for a person."""
        return f"version {context.number} at its target"


class DeliveryChannel(DeliveryTarget):
    """Brings a new value to those who use it. `acts`: something is called or written outside."""

    acts: ClassVar[bool] = True


class Rotator(DeliveryTarget):
    """Generates random values without a target; subclasses with a target override the rest.

    `supports_overlap`: old and new values work at the same time. `automatic`: works without a
    person. `has_target`: values are set and tested somewhere. `delivers`: its target is who uses
    the value, and proves to have it. `needs_value`: the first value must be given.
    """

    supports_overlap: ClassVar[bool] = True
    automatic: ClassVar[bool] = True
    has_target: ClassVar[bool] = True
    delivers: ClassVar[bool] = False
    needs_value: ClassVar[bool] = False
    required_action: ClassVar[str] = ""  # of a person, after a rotation

    def initial_detail(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The detail of the first version, whose value was given or generated."""
        return {}

    def generate(self, context: RotationContext) -> NewSecret:
        """A new value; `context` is the current version's."""
        return NewSecret(random_value())

    def valid_until(self, context: RotationContext) -> datetime | None:
        """When an old value ends, if that is stored outside the key's own row."""
        return None


class CredentialIssuer(Rotator, ABC):
    """Issues credentials of the platform itself, stored and switched in one transaction."""

    automatic = False
    has_target = False

    @abstractmethod
    def issue(self, key_id: str, config: Mapping[str, Any], now: datetime) -> IssuedCredential:
        """The first credential."""

    @abstractmethod
    def reissue(
        self, context: RotationContext, grace: timedelta, now: datetime
    ) -> IssuedCredential:
        """The current credential's successor; the old one works for `grace` more."""


rotators = Registry[Rotator]("rotator")
channels = Registry[DeliveryChannel]("delivery channel")
