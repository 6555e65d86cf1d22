"""Registering managed keys, rotating them, and ending them.

Every function that rotates takes `strike`, called by name before and after each commit and each
outside call, so that tests can end the process at any of them; see failpoints.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from security.rotation import failpoints, machine
from security.rotation.answers import Failure, Passed, Rotation
from security.rotation.failpoints import Strike
from security.rotation.models import Key, Policy, Version
from security.stages import services as stages

WrongStep = machine.WrongStep  # the key's state forbids it: 409
InFlight = stages.InFlight  # a WrongStep: another rotation holds the claim: 409
Clock = Callable[[], datetime]
MANUAL, SCHEDULED, COMPROMISED = "manual", "scheduled", "compromised"


class UnknownKey(LookupError):
    """No key has this name: 404."""


class Duplicate(WrongStep):
    """The name is taken by a key that differs: 409."""


class Invalid(ValueError):
    """What was asked makes no sense; `field` is the field of the request: 400."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


class NotRotated(WrongStep):
    """The new value could not be set or did not work. The old one stays current: 409."""


@dataclass(frozen=True, slots=True)
class Registered:
    """`secret` only where the system made it; `is_new` is False for a repeat."""

    key: Key
    version: Version
    secret: str | None = field(repr=False)
    is_new: bool = True


def register(
    key_id: str,
    key_type: str,
    *,
    level: str = "medium",
    value: str | None = None,
    rotator: str | None = None,
    config: Mapping[str, Any] | None = None,
    owner: str = "",
    actor: str = "",
    now: datetime | None = None,
) -> Registered:
    """Put a secret under management; its first version is current at once.

    Without `rotator` it is `generated`, or `manual` where a value is given. Repeating the same
    gives the same key, without its secret. Invalid (with its field) for an unknown level,
    rotator or type, Duplicate where the name stands for another key.
    """
    raise NotImplementedError


def rotate(
    key_id: str,
    *,
    reason: str = MANUAL,
    grace: timedelta | None = None,
    value: str | None = None,
    force: bool = False,
    expected_version: int | None = None,
    actor: str = "",
    clock: Clock | None = None,
    strike: Strike = failpoints.nothing,
) -> Rotation:
    """Rotate now. `reason` is manual, scheduled or compromised (at once, without grace).

    `value` is what a person brings (kind manual). `expected_version`: refuse (WrongStep) where
    another is current by now. `force`, with compromised: where the new value cannot be set, the
    old one is revoked all the same, and the key has no value that works. UnknownKey, WrongStep,
    InFlight, NotRotated, Invalid.
    """
    raise NotImplementedError


def rotate_due(*, actor: str = "", force: bool = False, clock: Clock | None = None) -> Passed:
    """Rotate every key that is due, the oldest first, within the hour's limit; safe to repeat.

    `force` lifts the limit and a pause. Keys that need a person raise an alert instead.
    """
    raise NotImplementedError


def rehearse(key_id: str, *, actor: str = "", strike: Strike = failpoints.nothing) -> None:
    """Create, set beside, test and undo, without a switch; NotRotated says what would fail."""
    raise NotImplementedError


def tend(clock: Clock | None = None) -> int:
    """Go on with what crashed or waits for its next attempt, and end what is due; how many."""
    raise NotImplementedError


def pause(key_id: str, *, actor: str = "") -> Key:
    """No rotation until resumed; the current value goes on working."""
    raise NotImplementedError


def resume(key_id: str, *, actor: str = "") -> Key:
    raise NotImplementedError


def revoke(key_id: str, *, actor: str = "", now: datetime | None = None) -> Key:
    """End a key for good: every value is refused at once, revoked outside and erased."""
    raise NotImplementedError


def retire(key_id: str, *, actor: str = "", now: datetime | None = None) -> Key:
    """Manage it no longer: values are erased here, and nothing is revoked outside."""
    raise NotImplementedError


def value(key_id: str) -> str:
    """The current value, for the platform's own use; who shows it to a person records why."""
    raise NotImplementedError


def used(key_id: str, number: int, at: datetime) -> None:
    """Note that a version was seen in use, for the guard at its end."""
    raise NotImplementedError


def set_policy(
    level: str, *, interval_days: int | None, grace_minutes: int | None, actor: str = ""
) -> Policy:
    """Change what a level asks for; keys of that level get their new due times at once."""
    raise NotImplementedError


def resume_passes(*, actor: str) -> None:
    """A person has looked at a paused pass: the next one may rotate again."""
    raise NotImplementedError


__all__ = ["Failure", "Passed", "Rotation"]
