"""Hooks of features that keep rows of a customer; they register when the app starts.

Through them a customer's export, erasure, merge and changes reach features that `customers` does
not import.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from aethercrown.registry import Registry


@dataclass(frozen=True, slots=True)
class CustomerDataHook:
    """How one feature's rows are exported as plain values, made anonymous, merged and updated.

    By default rows hold nothing that identifies a customer, stay at a merged duplicate (readers
    follow `merged_into`), and do not depend on subscriptions. `subscriptions_changed` is called as
    the function below is, in the transaction that locks these customers. `list_price` gives the
    price of a plan in a currency for an interval on a day, None where there is none. `kept_until`
    is the last day on which rows that an erasure spares are kept, None where it spares nothing.
    """

    name: str
    export: Callable[[Collection[int]], Mapping[str, Any]]
    erase: Callable[[Collection[int]], None] | None = None
    merge: Callable[[int, int, datetime], None] | None = None
    subscriptions_changed: Callable[..., object] | None = None
    list_price: Callable[[str, str, str, date], Decimal | None] | None = None
    kept_until: Callable[[Collection[int]], date | None] | None = None


HOOKS: Registry[CustomerDataHook] = Registry("customer data hook")


def subscriptions_changed(
    customer_ids: Collection[int], *, now: datetime, cause: str, history: bool = False
) -> None:
    """Tell every feature; `history` says that facts count on their own days, as in an import."""
    for hook in HOOKS:
        if hook.subscriptions_changed:
            hook.subscriptions_changed(customer_ids, now=now, cause=cause, history=history)


def list_price(plan: str, currency: str, interval: str, on: date) -> Decimal | None:
    """The list price of a plan, from the feature that keeps price books; None without one."""
    for hook in HOOKS:
        if hook.list_price:
            return hook.list_price(plan, currency, interval, on)
    return None


def kept_until(customer_ids: Collection[int]) -> date | None:
    """The last day on which something is kept by law after an erasure; None without any."""
    days = [hook.kept_until(customer_ids) for hook in HOOKS if hook.kept_until]
    return max((each for each in days if each), default=None)
