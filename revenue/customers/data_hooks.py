"""Hooks of features that keep rows of a customer; they register when the app starts.

Through them a customer's export, erasure, merge and changes reach features that `customers` does
not import.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from aethercrown.registry import Registry


class SubscriptionsChanged(Protocol):
    """Called in the transaction that changed subscriptions of these, locked, customers."""

    def __call__(
        self, customer_ids: Collection[int], *, now: datetime, cause: str, history: bool = False
    ) -> object: ...


def nothing_to_erase(_customer_ids: Collection[int]) -> None:
    """The rows hold nothing that identifies the customer."""


def rows_stay(_kept_id: int, _duplicate_id: int, _now: datetime) -> None:
    """The rows stay at the duplicate; readers follow `merged_into`."""


def ignore_change(
    customer_ids: Collection[int], *, now: datetime, cause: str, history: bool = False
) -> None:
    """Nothing depends on subscriptions."""


@dataclass(frozen=True, slots=True)
class CustomerDataHook:
    """How one feature's rows are exported as plain values, made anonymous, merged and updated."""

    name: str
    export: Callable[[Collection[int]], Mapping[str, Any]]
    erase: Callable[[Collection[int]], None] = nothing_to_erase
    merge: Callable[[int, int, datetime], None] = rows_stay
    subscriptions_changed: SubscriptionsChanged = ignore_change


HOOKS: Registry[CustomerDataHook] = Registry("customer data hook")


def subscriptions_changed(
    customer_ids: Collection[int], *, now: datetime, cause: str, history: bool = False
) -> None:
    """Tell every feature; `history` says that facts count on their own days, as in an import."""
    for hook in HOOKS:
        hook.subscriptions_changed(customer_ids, now=now, cause=cause, history=history)
