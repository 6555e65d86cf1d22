"""The interface of rotators, which generate, set, test, undo and revoke one kind of secret. Pure.

The calls of one rotator step must end within 60 seconds, well within the key's lease.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from aethercrown.registry import Registry

RANDOM_BYTES = 32
MAX_VALUE_LENGTH = 10_000  # characters


class TargetRefused(Exception):
    """The target refused or cannot be asked: the value was not set, or does not work."""


class OutcomeUnknown(Exception):
    """The target gave no clear answer: the value may have been set."""


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


@dataclass(frozen=True, slots=True)
class RotationContext:
    """A version as its rotator sees it. `current` is the current value, None if there is none."""

    key_id: str
    config: Mapping[str, Any]
    number: int
    value: str = field(repr=False)
    detail: Mapping[str, Any]
    current: str | None = field(repr=False)
    current_detail: Mapping[str, Any]
    secret_of: Callable[[str], str] = field(repr=False)  # another managed key's current value


def empty_context(key_id: str, config: Mapping[str, Any]) -> RotationContext:
    """The context of a key without a value."""
    return RotationContext(key_id, config, 0, "", {}, None, {}, str)


class Rotator:
    """Generates random values without a target; subclasses with a target override the rest.

    `supports_overlap`: old and new values work at the same time. `automatic`: works without a
    person. `has_target`: values are set and tested somewhere. `needs_value`: the first value
    must be given.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    supports_overlap: ClassVar[bool] = True
    automatic: ClassVar[bool] = True
    has_target: ClassVar[bool] = True
    needs_value: ClassVar[bool] = False
    required_action: ClassVar[str] = ""  # of a person, after a rotation

    def validate_config(self, config: Mapping[str, Any]) -> None:
        """Raise InvalidConfig unless `config` is complete and valid."""

    def initial_detail(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The detail of the first version, whose value was given or generated."""
        return {}

    def generate(self, context: RotationContext) -> NewSecret:
        """A new value; `context` is the current version's."""
        return NewSecret(secrets.token_urlsafe(RANDOM_BYTES))

    def set(self, context: RotationContext) -> None:
        """Set the value at the target; safe to repeat. Raises TargetRefused, OutcomeUnknown."""

    def test(self, context: RotationContext) -> None:
        """Use the value at the target. Raises TargetRefused, OutcomeUnknown."""

    def undo(self, context: RotationContext) -> None:
        """Undo what `set` may have done, so that only the current value works."""

    def revoke(self, context: RotationContext) -> None:
        """Make an old value stop working; safe to repeat."""

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
