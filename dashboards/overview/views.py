"""The first page: what needs attention, what ran, what waits, and how each system stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.charts.figures import PERCENT, full, money, signed
from aethercrown.monitoring.attention import AttentionItem
from dashboards import page_context
from dashboards.access import viewer
from dashboards.decisions.views import expected_text
from dashboards.key_figures import count_text, probability_text
from marketing.budget import reports as budget
from operations.alerts import reports as alerts
from operations.automations import reports as automations
from operations.decisions import reports as decisions
from operations.decisions.reports import DecisionTypeSummary
from operations.health.reports import components as health
from operations.messaging import reports as outbox
from operations.scheduling.reports import tasks
from revenue.customers import reports as revenue
from revenue.mrr.metrics import arr
from security.rotation import reports as keys


@dataclass(frozen=True, slots=True)
class SystemCard:
    """One system of the platform on one card."""

    title: str
    path: str
    figure: str
    note: str
    status: str = ""


@dataclass(frozen=True, slots=True)
class WaitingDecision:
    """A decision that a person has to make."""

    title: str
    since: datetime
    promise: str
    page: str
    admin: str


@dataclass(frozen=True, slots=True)
class LastRun:
    """One run of an automation."""

    title: str
    state: str
    planned_for: datetime
    summary: str
    admin: str


@dataclass(frozen=True, slots=True)
class OverviewData:
    """What both first pages show, the dashboards' and the admin's."""

    attention: Sequence[AttentionItem]
    waiting: Sequence[WaitingDecision]
    runs: Sequence[LastRun]
    systems: Sequence[SystemCard]


@viewer
def home(request: HttpRequest) -> HttpResponseBase:
    return page_context.render_page(
        request, "dashboards/overview.html", overview=overview_data(timezone.now())
    )


def overview_data(now: datetime) -> OverviewData:
    """Read everything once."""
    promises = decisions.summaries_by_type()
    return OverviewData(
        attention=[
            *alerts.attention_items(now),
            *automations.attention_items(now),
            *decisions.attention_items(now),
            *outbox.attention_items(now),
        ],
        waiting=_waiting(),
        runs=_runs(),
        systems=[
            _budget(),
            _revenue(),
            _ledger(promises),
            _tasks(),
            _health(),
            _keys(now),
            _alerts(),
        ],
    )


def _waiting() -> list[WaitingDecision]:
    return [
        WaitingDecision(
            each.title,
            each.proposed_at,
            expected_text(each.expected),
            decisions.page(each),
            reverse("admin:operations_decision_change", args=[each.pk]),
        )
        for each in decisions.waiting(5)
    ]


def _runs() -> list[LastRun]:
    return [
        LastRun(
            each.automation.title,
            each.state,
            each.planned_for,
            each.summary or each.error[:200],
            reverse("admin:operations_run_change", args=[each.pk]),
        )
        for each in automations.last_runs(6)
    ]


def _budget() -> SystemCard:
    title, path = "Marketing budget", "/dashboards/budget"
    plan = budget.newest_plan(settings.DEFAULT_CURRENCY)
    if plan is None:
        return SystemCard(title, path, "No plan yet", "Import channels and spend to begin.")
    lift = signed(plan.expected.estimate, PERCENT)
    note = (
        f"Expected lift {lift}, with a probability of {probability_text(plan.probability_of_lift)}."
    )
    return SystemCard(title, path, full(plan.total, money(plan.currency, 0)), note, plan.status)


def _revenue() -> SystemCard:
    title, path = "Recurring revenue", "/dashboards/revenue"
    currency = settings.DEFAULT_CURRENCY
    mrr, payers = revenue.current_mrr(currency)
    if not payers:
        return SystemCard(title, path, "No customers yet", "Import customers and subscriptions.")
    note = f"ARR {full(arr(mrr), money(currency, 0))}, from {count_text(payers, 'customer')}."
    return SystemCard(title, path, f"MRR {full(mrr, money(currency, 0))}", note)


def _ledger(promises: Sequence[DecisionTypeSummary]) -> SystemCard:
    title, path = "Decisions", "/dashboards/decisions"
    if not promises:
        return SystemCard(
            title, path, "None yet", "The first automation to decide opens the ledger."
        )
    made, measured = (
        sum(each.proposed for each in promises),
        sum(each.measured for each in promises),
    )
    waiting = sum(each.waiting for each in promises)
    note = f"{waiting} waiting, {measured} measured against what they promised."
    return SystemCard(title, path, count_text(made, "decision"), note)


def _tasks() -> SystemCard:
    title, path = "AI tasks", "/dashboards/scheduling"
    count = tasks.status_counts()
    if not sum(count.values()):
        return SystemCard(title, path, "None yet", "Programs submit tasks, agents take them.")
    waiting = count["pending"] + count["queued"]
    note = f"{waiting:,} waiting, {count['completed']:,} completed, {count['failed']:,} failed."
    return SystemCard(title, path, f"{count['running']:,} running", note)


def _health() -> SystemCard:
    title, path = "Health", "/dashboards/health"
    rows = health.components()
    if not rows:
        return SystemCard(title, path, "Not known yet", "The first look is taken within a minute.")
    works = sum(each.status in {"healthy", "degraded"} for each in rows)
    bad = [each.name for each in rows if each.status == "unhealthy"]
    note = f"Down: {', '.join(bad[:3])}." if bad else "No component is down."
    return SystemCard(title, path, f"{works} of {len(rows)} work", note, health.overall(rows))


def _keys(now: datetime) -> SystemCard:
    title, path = "Keys", "/dashboards/keys"
    seen = keys.key_counts(now)
    if not seen.keys:
        return SystemCard(
            title, path, "No keys yet", "Register a first key, and it rotates itself."
        )
    following = "no next rotation is planned"
    if seen.next_at is not None:
        following = f"next is {seen.next_key} on {seen.next_at:%-d %B %Y}"
    note = f"{seen.due_soon} due within 7 days, {seen.failed} failed; {following}."
    return SystemCard(
        title,
        path,
        f"{seen.overdue} of {seen.keys:,} overdue",
        note,
        "unhealthy" if seen.overdue or seen.failed else "healthy",
    )


def _alerts() -> SystemCard:
    title, path = "Alerts", "/dashboards/alerts"
    counts = alerts.counts()
    note = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
    figure = f"{sum(counts.values())} open"
    return SystemCard(title, path, figure, f"{note.capitalize()}." if note else "Nothing is wrong.")
