"""A customer's usage in exports, erasure and merges."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Model

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
)
from enterprise.usage.services import store
from revenue.customers.data_hooks import CustomerDataHook

MOVED: tuple[type[Any], ...] = (
    *(UsageEvent, UsageLimit, UsageAdjustment, UsageBackfill),
    RefusedEvent,
)


def erase(customer_ids: Collection[int]) -> None:
    """Blank ids and texts of callers, which may name a person; quantities and times stay."""
    events = UsageEvent.objects.filter(customer__in=customer_ids)
    events.exclude(event_id="").update(event_id="erased", corrects="")
    UsageLimit.objects.filter(customer__in=customer_ids).update(recorded_by="")
    UsageBackfill.objects.filter(customer__in=customer_ids).update(events=[], preview={})
    RefusedEvent.objects.filter(customer__in=customer_ids).delete()


def merge(kept: int, duplicate: int, now: datetime) -> None:
    """Move a duplicate's usage to the kept customer, whose rollups add both up."""
    store.lock_clients(sorted((kept, duplicate)), now)
    _merge_rollups(UsageHour, "hour", kept, duplicate)
    _merge_rollups(UsageDay, "day", kept, duplicate)
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
