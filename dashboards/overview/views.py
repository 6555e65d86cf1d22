"""The first page, for an executive: MRR, what changed, waits, is at risk, ran and brought."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown import references
from aethercrown.metrics.registry import MetricQuery, measure
from aethercrown.monitoring.attention import AttentionItem
from dashboards import page_context
from dashboards.access import viewer
from dashboards.overview import changes, values
from dashboards.overview.values import ValueGroup, ValueLine
from dashboards.page_context import kept_parameters
from dashboards.period_choice import PARAMETERS, read_period
from dashboards.tiles import tiles
from operations.alerts import reports as alerts
from operations.automations import reports as automations
from operations.decisions import reports as decisions
from operations.messaging import reports as outbox
from revenue.customers import reports as customers
from revenue.documents import reports as documents
from revenue.mrr import reports as mrr
from revenue.pricing import reports as pricing

PRESETS, DEFAULT = ("30d", "90d", "12m"), "30d"
TILES = (
    *("revenue.mrr", "revenue.arr", "revenue.paying_customers"),
    *("budget.planned", "health.availability"),
)
SHOULD_BE_ZERO = ("health.components_down", "keys.overdue")
MAX_RUNS = 6


@dataclass(frozen=True, slots=True)
class OverviewData:
    """What the first page shows beside the figures."""

    since: datetime
    changed: Sequence[AttentionItem]
    at_risk: Sequence[AttentionItem]
    unknown: Sequence[str]
    waiting: Sequence[ValueGroup]
    expires_in: int | None  # days until the first of the waiting ones does
    brought: Sequence[tuple[str, str, str]]
    applied: Sequence[ValueLine]
    runs: Iterable[Any]  # rows of Run, with their automation


@viewer
def home(request: HttpRequest) -> HttpResponseBase:
    period = read_period(request.GET, timezone.localdate(), PRESETS, DEFAULT)
    query = MetricQuery(period.period, settings.DEFAULT_CURRENCY, timezone.now())
    first, *others = tiles(measure(TILES, query, period.compared), period.compared_text)
    response = page_context.render_template(
        request,
        "overview",
        overview=overview_data(query),
        mrr=first,
        tiles=others,
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
    )
    response.status_code = 400 if period.problems else 200
    return response


def overview_data(query: MetricQuery) -> OverviewData:
    """Read from each app's reports; what changed counts from the beginning of yesterday."""
    now = query.now
    since = timezone.make_aware(
        datetime.combine(timezone.localdate(now) - timedelta(days=1), time())
    )
    found = decisions.recent_decisions(query, since)
    names = references.resolved([each.title for each in found.all])
    titles = dict(zip((each.pk for each in found.all), names, strict=True))
    severe = alerts.severe_since(since)
    risks, unknown = changes.metric_risks(measure(SHOULD_BE_ZERO, query))
    return OverviewData(
        since=since,
        changed=[
            *_changed(query.currency, since, found.changed, titles),
            *changes.resolved_alerts(severe.resolved),
        ],
        at_risk=[
            *severe.attention,
            *automations.attention_items(now),
            *risks,
            *changes.overdue_risks(documents.overdue(timezone.localdate(now)), _open_invoices()),
            *changes.disappointing(found.measured, titles, _page),
            *outbox.attention_items(now),
        ],
        unknown=unknown,
        waiting=values.waiting_values(found.waiting, titles, decisions.type_title, _page),
        expires_in=decisions.days_left(found.waiting[0], now) if found.waiting else None,
        brought=values.brought_values(found.measured, decisions.type_title),
        applied=[
            ValueLine(titles[each.pk], _page(each), values.effect_of(each), "", each.applied_at)
            for each in found.applied
        ],
        runs=automations.last_run_of_each(MAX_RUNS),
    )


def _changed(
    currency: str, since: datetime, decided: Sequence[Any], titles: Mapping[int, str]
) -> list[AttentionItem]:
    day = timezone.localdate(since)
    return [
        *changes.mrr_changes(mrr.recent_movements(currency, day), currency, customers.page_path),
        *changes.decision_changes(decided, titles, since, _page),
        *changes.price_changes(pricing.published_since(since)),
    ]


def _page(decision: Any) -> str:
    return reverse("decision", args=[decision.pk])


def _open_invoices() -> str:
    return f"{reverse('admin:revenue_invoicedocument_changelist')}?state__exact=open"
