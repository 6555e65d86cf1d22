"""Rotators by name: how a value of one kind is made, set outside, tried, undone and revoked.

Every outside call of a rotator ends within `SECONDS`, well inside the lease of its key.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

STEP_TIMEOUT_SECONDS = 60.0  # for all that one step does outside
RANDOM_BYTES = 32
MAX_VALUE_LENGTH = 10_000  # characters of a value


class TargetRefused(Exception):
    """The other side said no, or cannot be asked: the value was not set, or does not work."""


class OutcomeUnknown(Exception):
    """No answer, or one that says nothing: the value may have been set."""


class InvalidConfig(ValueError):
    """What the rotator was given does not suffice; `field` names the part."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


class UnknownRotator(LookupError):
    """No rotator has this name."""


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A new value, and where it is to be set; `detail` holds no secret."""

    value: str = field(repr=False)
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential of the platform itself: only its digest is kept, the value is shown once."""

    value: str = field(repr=False)
    digest: str
    prefix: str
    last4: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RotationContext:
    """A version in a rotator's hands. `current` is what works now, None where nothing does."""

    key_id: str
    config: Mapping[str, Any]
    number: int
    value: str = field(repr=False)
    detail: Mapping[str, Any]
    current: str | None = field(repr=False)
    current_detail: Mapping[str, Any]
    secret_of: Callable[[str], str] = field(repr=False)  # another managed key's current value


def empty_context(key_id: str, config: Mapping[str, Any]) -> RotationContext:
    """A key that has no value yet, or whose values do not matter."""
    return RotationContext(key_id, config, 0, "", {}, None, {}, str)


class Rotator:
    """Makes random values that nobody sets anywhere; kinds with an outside override the rest.

    `overlap`: old and new work side by side. `automatic`: nobody has to do anything by hand.
    `outside`: there is something to set and to test. `needs_value`: the first one is given.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    overlap: ClassVar[bool] = True
    automatic: ClassVar[bool] = True
    outside: ClassVar[bool] = True
    needs_value: ClassVar[bool] = False

    def check(self, config: Mapping[str, Any]) -> None:
        """BadConfig where `config` does not say what the rotator needs."""

    def first(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """The detail of the first version, whose value was given or made."""
        return {}

    def generate(self, held: RotationContext) -> NewSecret:
        """A new value; `held` is the current version's."""
        return NewSecret(secrets.token_urlsafe(RANDOM_BYTES))

    def set(self, held: RotationContext) -> None:
        """Make the value known outside; safe to repeat. Refused or Unclear where it failed."""

    def test(self, held: RotationContext) -> None:
        """Use the value for real. Refused where it does not work, Unclear without an answer."""

    def undo(self, held: RotationContext) -> None:
        """Take back what `set` may have done, so that only the current value works."""

    def revoke(self, held: RotationContext) -> None:
        """Let an old value work no more; safe to repeat."""

    def works_until(self, held: RotationContext) -> datetime | None:
        """The end of an old value, where others than the key's own row decide it."""
        return None

    def next_step(self) -> str:
        """What a person has to do after a rotation; empty where nothing is left to do."""
        return ""


class CredentialIssuer(Rotator, ABC):
    """Its value is a credential of the platform itself: made and switched in one transaction."""

    automatic = False
    outside = False

    @abstractmethod
    def issue(self, key_id: str, config: Mapping[str, Any], now: datetime) -> IssuedCredential:
        """The first credential."""

    @abstractmethod
    def reissue(self, held: RotationContext, grace: timedelta, now: datetime) -> IssuedCredential:
        """The current credential's successor, while the old one works for `grace` more."""


_known: dict[str, Rotator] = {}


def register(rotator: Rotator) -> None:
    """Make a rotator known under its name, once for each name."""
    if type(_known.setdefault(rotator.name, rotator)) is not type(rotator):
        raise ValueError(f"A rotator called {rotator.name} is registered already.")


def named(name: str) -> Rotator:
    try:
        return _known[name]
    except KeyError:
        known = ", ".join(names()) or "none"
        raise UnknownRotator(f"No rotator is called {name!r}. Known: {known}.") from None


def names() -> tuple[str, ...]:
    return tuple(sorted(_known))
