"""Count the different values of unique metrics: each value of a day with its number of events."""

from collections.abc import Iterable
from datetime import date
from hashlib import blake2b
from typing import Any

from aethercrown.db import ingest
from aethercrown.db.ingest import MergeRule
from enterprise.usage.metering.months import month_of, months_after
from enterprise.usage.models import UsageDay, UsageValue

COUNTED = MergeRule(added=("count",))
VALUE_KEYS = ("customer_id", "metric_id", "day", "value")


def digest(value: str) -> str:
    return blake2b(value.encode(), digest_size=16).hexdigest()


def count(placed: Iterable[Any]) -> None:
    """Add events to the values of their days; a value that is voided may reach 0.

    The days after them in their month are booked again, as a value counts on its first day there.
    """
    found: dict[tuple[int, int, str, str], int] = {}
    first: dict[tuple[int, int, date], date] = {}
    for each in placed:
        event, day = each.event, each.day
        key = (event.customer, event.metric, day.isoformat(), digest(event.value))
        found[key] = found.get(key, 0) + event.counts
        month = (event.customer, event.metric, month_of(day))
        first[month] = min(day, first.get(month, day))
    rows = [(*key, number) for key, number in sorted(found.items())]
    ingest.merge(UsageValue, VALUE_KEYS, COUNTED, rows)
    for (customer, metric, start), day in sorted(first.items()):
        later = UsageDay.objects.filter(customer=customer, metric=metric, is_booked=True)
        later.filter(day__gt=day, day__lt=months_after(start, 1)).update(is_booked=False)
