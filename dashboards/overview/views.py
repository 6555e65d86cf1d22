"""The first page: what needs attention, the figures, decisions waiting, last runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
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
from dashboards.page_context import kept_parameters
from dashboards.period_choice import PARAMETERS, read_period
from dashboards.tiles import tiles
from operations.alerts import reports as alerts
from operations.automations import reports as automations
from operations.decisions import reports as decisions
from operations.decisions.effect_text import expected_text, realised_text
from operations.messaging import reports as outbox

PRESETS, DEFAULT = ("30d", "90d", "12m"), "30d"
TILES = (
    *("revenue.mrr", "revenue.arr", "revenue.paying_customers"),
    *("budget.planned", "decisions.waiting", "tasks.waiting", "tasks.success"),
    *("health.components_down", "health.availability", "keys.overdue", "alerts.open"),
)


@dataclass(frozen=True, slots=True)
class WaitingDecision:
    """A decision that a person has to make."""

    title: str
    since: datetime
    expected: str
    page: str


@dataclass(frozen=True, slots=True)
class AppliedDecision:
    """A decision in force, and what it brought or is expected to bring."""

    title: str
    since: datetime
    effect: str
    page: str


@dataclass(frozen=True, slots=True)
class OverviewData:
    """What the first page shows beside the figures."""

    attention: Sequence[AttentionItem]
    waiting: Sequence[WaitingDecision]
    applied: Sequence[AppliedDecision]
    runs: Iterable[Any]  # rows of Run, with their automation


@viewer
def home(request: HttpRequest) -> HttpResponseBase:
    period = read_period(request.GET, timezone.localdate(), PRESETS, DEFAULT)
    query = MetricQuery(period.period, settings.DEFAULT_CURRENCY, timezone.now())
    response = page_context.render_template(
        request,
        "overview",
        overview=overview_data(query),
        tiles=tiles(measure(TILES, query, period.compared), period.compared_text),
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
    )
    response.status_code = 400 if period.problems else 200
    return response


def overview_data(query: MetricQuery) -> OverviewData:
    """Read from each app's reports; the query shares with the figures what both need."""
    now, decided = query.now, decisions.overview(query)
    return OverviewData(
        attention=[
            *alerts.attention_items(now),
            *automations.attention_items(now),
            *decisions.attention_items(decided, now),
            *outbox.attention_items(now),
        ],
        waiting=_waiting_decisions(decided.oldest),
        applied=_applied_decisions(decided.applied),
        runs=automations.last_run_of_each(6),
    )


def _waiting_decisions(rows: Sequence[Any]) -> list[WaitingDecision]:
    return [
        WaitingDecision(title, each.proposed_at, expected_text(each.expected), _page(each))
        for each, title in zip(rows, _titles(rows), strict=True)
    ]


def _applied_decisions(rows: Sequence[Any]) -> list[AppliedDecision]:
    """With the realised effect where it was measured, else the expected one."""
    return [
        AppliedDecision(title, each.applied_at, _effect(each), _page(each))
        for each, title in zip(rows, _titles(rows), strict=True)
    ]


def _titles(rows: Sequence[Any]) -> list[str]:
    return references.resolved([each.title for each in rows])


def _page(decision: Any) -> str:
    return reverse("decision", args=[decision.pk])


def _effect(decision: Any) -> str:
    if decision.realised:
        return f"realised {realised_text(decision.realised, decision.expected)}"
    return f"expected {expected_text(decision.expected)}"
