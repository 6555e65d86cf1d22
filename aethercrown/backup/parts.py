"""What apps know of a back-up that the kernel does not: what it needs, and what must follow it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


def nothing() -> Any:
    return None


def no_objection(_needs: Any) -> list[str]:
    return []


def no_work(_now: datetime, _needs: Any) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Part:
    """`needs` goes into the manifest. `refusals` are looked at before anything is touched.

    `settle` works on the restored rows and says what a person should know.
    """

    name: str
    needs: Callable[[], Any] = nothing
    refusals: Callable[[Any], list[str]] = no_objection
    settle: Callable[[datetime, Any], list[str]] = no_work


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Make a part known; doing it again changes nothing."""
    _parts[part.name] = part


def needs() -> dict[str, Any]:
    return {name: part.needs() for name, part in _parts.items()}


def refusals(wanted: Mapping[str, Any]) -> list[str]:
    return [each for name, part in _parts.items() for each in part.refusals(wanted.get(name))]


def settle(now: datetime, wanted: Mapping[str, Any]) -> list[str]:
    return [each for name, part in _parts.items() for each in part.settle(now, wanted.get(name))]
