"""A customer's usage in exports, erasure and merges."""

from collections.abc import Collection
from datetime import datetime
from secrets import token_hex
from typing import Any
from uuid import uuid4

from django.db.models import F, Model, Value
from django.db.models.functions import MD5, Concat

from aethercrown.db import ingest
from aethercrown.db.bulk import stamp
from aethercrown.db.fields import MILLION
from enterprise.usage import reports
from enterprise.usage.models import (
    ClientMetric,
    RefusedEvent,
    UsageAdjustment,
    UsageAlert,
    UsageBackfill,
    UsageDay,
    UsageEvent,
    UsageHour,
    UsageLimit,
    UsageReading,
    UsageThreshold,
    UsageValue,
)
from enterprise.usage.services import store
from enterprise.usage.services.values import COUNTED, VALUE_KEYS
from revenue.customers.data_hooks import CustomerDataHook

MOVED: tuple[type[Any], ...] = (
    *(UsageEvent, UsageLimit, UsageAdjustment, UsageBackfill),
    RefusedEvent,
)


def erase(customer_ids: Collection[int]) -> None:
    """Blank ids and texts of callers, which may name a person; quantities and times stay.

    Ids become digests with a salt that is forgotten, so that corrections still name their events.
    """
    salt = token_hex(16)
    events = UsageEvent.objects.filter(customer__in=customer_ids)
    events.update(event_id=_erased("event_id", salt), value="")
    events.exclude(corrects="").update(corrects=_erased("corrects", salt))
    values = UsageValue.objects.filter(customer__in=customer_ids).order_by()
    for known in list(values.values_list("value", flat=True).distinct()):
        values.filter(value=known).update(value=uuid4())
    UsageLimit.objects.filter(customer__in=customer_ids).update(recorded_by="")
    UsageBackfill.objects.filter(customer__in=customer_ids).update(events=[], preview={})
    RefusedEvent.objects.filter(customer__in=customer_ids).delete()


def _erased(column: str, salt: str) -> Any:
    return Concat(Value("erased-"), MD5(Concat(Value(salt), F(column))))


def merge(kept: int, duplicate: int, now: datetime) -> None:
    """Move a duplicate's usage to the kept customer, whose rollups add both up."""
    store.lock_clients(sorted((kept, duplicate)), now)
    _merge_rollups(UsageHour, "hour", kept, duplicate)
    _merge_rollups(UsageDay, "day", kept, duplicate)
    _merge_values(kept, duplicate)
    for model in MOVED:
        model.objects.filter(customer=duplicate).update(customer=kept)
    mine = UsageReading.objects.filter(customer=kept).values("metric", "recorded_at")
    taken = {(each["metric"], each["recorded_at"]) for each in mine}
    for row in UsageReading.objects.filter(customer=duplicate):
        if (row.metric_id, row.recorded_at) not in taken:
            UsageReading.objects.filter(pk=row.pk).update(customer=kept)
    for other in (UsageReading, UsageAlert, UsageThreshold):
        other._default_manager.filter(customer=duplicate).delete()  # noqa: SLF001 - documented
    rows = ClientMetric.objects.filter(customer=duplicate)
    seen = [
        (kept, each.metric_id, stamp(each.last_at), stamp(now), "{}", "[]")
        for each in rows.order_by("metric")
    ]
    ingest.merge(ClientMetric, ("customer_id", "metric_id"), store.SEEN, seen)
    rows.delete()


def _merge_values(kept: int, duplicate: int) -> None:
    rows = UsageValue.objects.filter(customer=duplicate)
    found = [
        (kept, each.metric_id, each.day.isoformat(), each.value.hex, each.count)
        for each in rows.order_by("metric", "day", "value")
    ]
    ingest.merge(UsageValue, VALUE_KEYS, COUNTED, found)
    rows.delete()


def _merge_rollups(model: type[Model], span: str, kept: int, duplicate: int) -> None:
    """Add the duplicate's rollups to those of the kept customer."""
    rows: Any = model._default_manager.filter(customer=duplicate)  # noqa: SLF001 - documented
    is_day = model is UsageDay
    found = [
        (
            *(kept, each.metric_id),
            each.day.isoformat() if is_day else stamp(each.hour),
            *(each.count, int(each.quantity * MILLION), int(each.most * MILLION)),
            *(stamp(each.last_at), int(each.last * MILLION)),
            *((False,) if is_day else ()),
        )
        for each in rows.order_by("metric", span)
    ]
    rule = store.DAY_TOTALS if is_day else store.TOTALS
    ingest.merge(model, ("customer_id", "metric_id", span), rule, found)
    rows.delete()


CUSTOMER_HOOK = CustomerDataHook("usage", reports.personal_data, erase, merge)
