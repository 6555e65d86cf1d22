"""Where an event stands: its hour, period and invoice, what corrects it, or why it was refused."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from enterprise.usage.metering.event_input import ItemStatus
from enterprise.usage.metering.months import month_of
from enterprise.usage.models import RefusedEvent, UsageEvent
from revenue.billing.reports import bills

FILTERS = ("event_id", "client_id", "metric", "from", "to", "status")
REFUSED = (ItemStatus.REJECTED, ItemStatus.CONFLICT)


def events(given: Mapping[str, Any]) -> "QuerySet[UsageEvent]":
    """Accepted events, by the filters that are given."""
    lookups = {
        "event_id": "event_id",
        "client_id": "customer__external_id",
        "metric": "metric__code",
        "from": "occurred_at__gte",
        "to": "occurred_at__lt",
    }
    rows = UsageEvent.objects.select_related("customer", "metric")
    return rows.filter(**{lookups[name]: value for name, value in given.items() if name in lookups})


def refused(given: Mapping[str, Any]) -> "QuerySet[RefusedEvent]":
    """Refused events of the last week; `from` and `to` are of their receipt."""
    lookups = {
        "event_id": "event_id",
        "client_id": "client_id",
        "metric": "content__metric",
        "from": "received_at__gte",
        "to": "received_at__lt",
        "status": "status",
    }
    return RefusedEvent.objects.filter(
        **{lookups[name]: value for name, value in given.items() if name in lookups}
    )


def described(rows: Sequence[UsageEvent]) -> list[dict[str, Any]]:
    """Events with everything that is known of them, in two queries more."""
    months = {each.pk: _period(each) for each in rows}
    invoices = bills.issued_months({(each.customer_id, months[each.pk]) for each in rows})
    corrections = _corrections(rows)
    found = []
    for each in rows:
        invoice = invoices.get((each.customer_id, months[each.pk]))
        found.append(
            {
                "event_id": each.event_id,
                "client_id": each.customer.external_id,
                "metric": each.metric.code,
                "quantity": float(each.quantity),
                "timestamp": each.occurred_at,
                "received_at": each.received_at,
                "source": each.source,
                "status": ItemStatus.ACCEPTED.value,
                "reason": "",
                "corrects": each.corrects,
                "corrected_by": corrections.get((each.customer_id, each.event_id), []),
                "hour": each.occurred_at.replace(minute=0, second=0, microsecond=0),
                "period_start": months[each.pk].isoformat(),
                "is_late": each.is_late,
                "possible_duplicate": each.possible_duplicate,
                "billed_in": "" if invoice is None else str(invoice),
                "backfill_id": each.backfill_id,
            }
        )
    return found


def _period(each: UsageEvent) -> date:
    return month_of(each.occurred_at.astimezone(ZoneInfo(each.customer.time_zone)).date())


def _corrections(rows: Sequence[UsageEvent]) -> dict[tuple[int, str], list[str]]:
    """The ids of events that correct some others, by client and id."""
    if not rows:
        return {}
    found: dict[tuple[int, str], list[str]] = {}
    later = UsageEvent.objects.filter(
        customer__in={each.customer_id for each in rows},
        metric__in={each.metric_id for each in rows},
        corrects__in={each.event_id for each in rows},
    ).order_by("pk")
    for customer, root, event_id in later.values_list("customer_id", "corrects", "event_id"):
        found.setdefault((customer, root), []).append(event_id)
    return found


def described_refusals(rows: Sequence[RefusedEvent]) -> list[dict[str, Any]]:
    return [
        {
            "event_id": each.event_id,
            "client_id": each.client_id,
            "metric": _of(each.content, "metric"),
            "quantity": None,
            "timestamp": None,
            "received_at": each.received_at,
            "source": each.source,
            "status": each.status,
            "reason": each.reason,
            "corrects": _of(each.content, "corrects"),
            "corrected_by": [],
            "hour": None,
            "period_start": None,
            "is_late": False,
            "possible_duplicate": False,
            "billed_in": "",
            "backfill_id": None,
        }
        for each in rows
    ]


def _of(content: Any, name: str) -> str:
    value = content.get(name, "") if isinstance(content, Mapping) else ""
    return str(value)
