"""The results of rotations and rotation runs. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

TIMES = ("rotated_at", "previous_rotation", "next_rotation", "previous_valid_until")


@dataclass(frozen=True, slots=True)
class RotationResult:
    """One rotation; `new_key` is the only copy of the new value in plain text.

    `action_required` says what a person still has to do. A manual key without a new value is
    unchanged, and `action_required` asks for the value.
    """

    key_id: str
    reason: str
    rotated_at: datetime | None
    previous_rotation: datetime | None
    next_rotation: datetime
    version: int
    new_key: str | None = field(default=None, repr=False)
    previous_valid_until: datetime | None = None
    action_required: str = ""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "RotationResult":
        """What `to_dict` made."""
        times = {name: parsed(given[name]) for name in TIMES}
        return cls(**{**given, **times, "action_required": given["action_required"] or ""})

    def with_value(self, value: str | None) -> "RotationResult":
        return replace(self, new_key=value)

    def to_dict(self) -> dict[str, Any]:
        """The contract's `rotation`, including the secret."""
        times = {name: isoformat(getattr(self, name)) for name in TIMES}
        return {**asdict(self), **times, "action_required": self.action_required or None}


@dataclass(frozen=True, slots=True)
class RotationFailure:
    """A key that could not be rotated; its old value still works."""

    key_id: str
    error: str


@dataclass(frozen=True, slots=True)
class RotationRunResult:
    """What a run did. `held_back`: keys due, but over the hourly limit."""

    rotations: list[RotationResult]
    failures: list[RotationFailure]
    due: int = 0
    held_back: int = 0
    paused_because: str = ""
    by_hand: list[str] = field(default_factory=list)  # due, and their new value reaches nobody
    under_way: list[str] = field(default_factory=list)  # a worker does them

    def to_dict(self) -> dict[str, Any]:
        """The API's answer, without secrets."""
        return {
            "rotations": [{**each.to_dict(), "new_key": None} for each in self.rotations],
            "failures": [asdict(each) for each in self.failures],
            "count": len(self.rotations),
            "due": self.due,
            "held_back": self.held_back,
            "paused_because": self.paused_because or None,
            "by_hand": self.by_hand,
            "under_way": self.under_way,
        }


def isoformat(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def parsed(text: str | None) -> Any:
    return datetime.fromisoformat(text) if text else None
