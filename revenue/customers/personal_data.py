"""What other features keep of a customer, known by name; each registers when the app starts.

So a customer's export names it, an erasure reaches it, and a merge moves it, while customers
itself knows of none of them.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


def nothing(_customer_ids: Collection[int]) -> None:
    """Nothing that is kept says who the customer is."""


def stays(_kept: int, _duplicate: int, _now: datetime) -> None:
    """Rows stay where they are; reading them follows the merge."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """One feature's rows: read as plain values, made nameless, moved from one record to another."""

    name: str
    personal: Callable[[Collection[int]], Mapping[str, Any]]
    erase: Callable[[Collection[int]], None] = nothing
    merge: Callable[[int, int, datetime], None] = stays


_known: dict[str, Belonging] = {}


def register(belonging: Belonging) -> None:
    """Make it known; doing it again changes nothing."""
    _known[belonging.name] = belonging


def known() -> tuple[Belonging, ...]:
    return tuple(_known[name] for name in sorted(_known))
