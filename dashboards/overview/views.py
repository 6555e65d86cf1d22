"""The first page: what needs attention, decisions waiting, last runs, one card per system."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import PERCENT, counted, date_text, full, money, signed
from aethercrown.monitoring.attention import AttentionItem
from dashboards import page_context
from dashboards.access import viewer
from dashboards.decisions.views import expected_text
from dashboards.key_figures import probability_text
from marketing.budget import reports as budget
from operations.alerts import reports as alerts
from operations.automations import reports as automations
from operations.decisions import reports as decisions
from operations.health import state_machine
from operations.health.reports import components as health
from operations.messaging import reports as outbox
from operations.scheduling.reports import tasks
from revenue.customers import reports as revenue
from revenue.mrr.bridge import arr
from security.rotation import reports as keys


@dataclass(frozen=True, slots=True)
class SystemCard:
    """The card of one system of the platform."""

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
    expected: str
    page: str
    admin: str


@dataclass(frozen=True, slots=True)
class OverviewData:
    """What both first pages show, the dashboards' and the admin's."""

    attention: Sequence[AttentionItem]
    waiting: Sequence[WaitingDecision]
    runs: Iterable[Any]  # rows of Run, with their automation
    systems: Sequence[SystemCard]


@viewer
def home(request: HttpRequest) -> HttpResponseBase:
    return page_context.render_template(request, "overview", overview=overview_data(timezone.now()))


def overview_data(now: datetime) -> OverviewData:
    """Everything on the first pages, read from each app's reports."""
    return OverviewData(
        attention=[
            *alerts.attention_items(now),
            *automations.attention_items(now),
            *decisions.attention_items(now),
            *outbox.attention_items(now),
        ],
        waiting=_waiting(),
        runs=automations.last_runs(6),
        systems=[
            *(card() for card in (_budget, _revenue, _decisions, _tasks, _health)),
            *(_keys(now), _alerts()),
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


def _budget() -> SystemCard:
    title, path = "Marketing budget", "/dashboards/budget"
    plan = budget.newest_plan(settings.DEFAULT_CURRENCY)
    if plan is None:
        return SystemCard(title, path, "No plan yet", "Import channels and spend to begin.")
    lift, probability = signed(plan.expected_lift.estimate, PERCENT), plan.probability_of_lift
    note = f"Expected lift {lift}, with a probability of {probability_text(probability)}."
    return SystemCard(
        title, path, full(plan.total, money(plan.currency, 0)), note, plan.decision.status
    )


def _revenue() -> SystemCard:
    title, path = "Recurring revenue", "/dashboards/revenue"
    currency = settings.DEFAULT_CURRENCY
    mrr, payers = revenue.current_mrr(currency)
    if not payers:
        return SystemCard(title, path, "No customers yet", "Import customers and subscriptions.")
    note = f"ARR {full(arr(mrr), money(currency, 0))}, from {counted(payers, 'customer')}."
    return SystemCard(title, path, f"MRR {full(mrr, money(currency, 0))}", note)


def _decisions() -> SystemCard:
    title, path = "Decisions", "/dashboards/decisions"
    types = decisions.summaries_by_type()
    if not types:
        return SystemCard(title, path, "None yet", "Automations record their decisions here.")
    count = sum(each.proposed for each in types)
    waiting = sum(each.waiting for each in types)
    measured = sum(each.measured for each in types)
    note = f"{waiting} waiting, {measured} measured against the expectation."
    return SystemCard(title, path, counted(count, "decision"), note)


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
        return SystemCard(title, path, "Not known yet", "The first check runs within a minute.")
    judged = [each.status for each in rows if each.status in state_machine.JUDGED]
    works = len(judged) - judged.count("unhealthy")
    others = len(rows) - len(judged)
    bad = [each.name for each in rows if each.status == "unhealthy"]
    note = f"Down: {', '.join(bad[:3])}." if bad else "No component is down."
    if others:
        note += f" {counted(others, 'more')} off, unknown or not looked at."
    return SystemCard(title, path, f"{works} of {len(judged)} work", note, health.overall(rows))


def _keys(now: datetime) -> SystemCard:
    title, path = "Keys", "/dashboards/keys"
    counts = keys.key_counts(now)
    if not counts.keys:
        return SystemCard(title, path, "No keys yet", "Register a key, and it is rotated on time.")
    following = "no next rotation is planned"
    if counts.next_at is not None:
        following = f"next is {counts.next_key} on {date_text(counts.next_at)}"
    note = f"{counts.due_soon} due within 7 days, {counts.failed} failed; {following}."
    status = "unhealthy" if counts.overdue or counts.failed else "healthy"
    return SystemCard(title, path, f"{counts.overdue} of {counts.keys:,} overdue", note, status)


def _alerts() -> SystemCard:
    title, path = "Alerts", "/dashboards/alerts"
    counts = alerts.counts()
    note = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
    figure = f"{sum(counts.values())} open"
    return SystemCard(title, path, figure, f"{note.capitalize()}." if note else "Nothing is wrong.")
