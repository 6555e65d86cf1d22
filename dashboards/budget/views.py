"""The budget's two pages: the whole plan, and one channel."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.core.exceptions import BadRequest, ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse

from dashboards import page_context
from dashboards.access import viewer
from dashboards.budget import charts, summary
from dashboards.budget import tables as history
from marketing.budget import reports
from marketing.budget.planner.proposal import Proposal
from marketing.budget.reports import BudgetOverview, DailyPerformance, PlanSummary

WEEKS = (13, 26, 52, 104)
USUAL = 52
CODE = re.compile("[A-Z]{3}")


class Named(Protocol):
    """Anything that is said of one channel."""

    @property
    def channel(self) -> str: ...


Of = TypeVar("Of", bound=Named)
HOME = page_context.Step("BudgetOverview", "/")


@viewer
def budget(request: HttpRequest) -> HttpResponseBase:
    """The leading plan in a currency, or the one that ?plan= names."""
    weeks = page_context.period(request, WEEKS, USUAL)
    found = _overview(request)
    trend = charts.trend(_last(found.trend, weeks), found.currency)
    plans = history.table(found.history, found.currency)
    context = _proposed(found.proposal, found.plan) if found.proposal and found.plan else {}
    tables = [*context.pop("tables", []), trend.table, plans]
    return page_context.download(request, "budget", tables) or page_context.shown(
        request,
        "dashboards/budget.html",
        [HOME, page_context.Step("Budget")],
        weeks=weeks,
        choices=WEEKS,
        trend=trend if found.trend else None,
        history=plans,
        **context,
    )


@viewer
def channel(request: HttpRequest, name: str) -> HttpResponseBase:
    """One channel: its curve, what it gets now and as proposed, what it brought."""
    if "\0" in name:  # no database row can hold it, and PostgreSQL refuses to look
        raise Http404("A channel's name has no NUL in it.")
    weeks = page_context.period(request, WEEKS, USUAL)
    found = _overview(request)
    days = reports.spend_trend(found.currency, name)
    context = _response(found.proposal, found.plan, name) if found.proposal and found.plan else {}
    if not context and not days:
        raise Http404(f"No channel called {name!r} has rows or a place in the plan.")
    trend = charts.trend(_last(days, weeks), found.currency)
    tables = [*context.pop("tables", []), trend.table]
    return page_context.download(request, "budget-channel", tables) or page_context.shown(
        request,
        "dashboards/channel.html",
        [HOME, page_context.Step("Budget", "/dashboards/budget"), page_context.Step(name)],
        name=name,
        weeks=weeks,
        choices=WEEKS,
        trend=trend if days else None,
        in_force=summary.given(_named(found.in_force, name)),
        **context,
    )


def _overview(request: HttpRequest) -> BudgetOverview:
    currency = request.GET.get("currency", settings.DEFAULT_CURRENCY)
    if not CODE.fullmatch(currency):
        raise BadRequest(f"currency is an ISO 4217 code such as USD, not {currency[:20]!r}.")
    asked = request.GET.get("plan")
    if asked is not None and not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        raise BadRequest(f"plan is the number of a plan, not {asked[:20]!r}.")
    try:
        found = reports.overview(currency, int(asked) if asked else None)
    except ObjectDoesNotExist:
        raise Http404(f"There is no plan {asked}.") from None
    if found.plan and found.plan.currency != currency:
        return reports.overview(found.plan.currency, found.plan.plan_id)
    return found


def _last(days: Sequence[DailyPerformance], weeks: int) -> list[DailyPerformance]:
    """The days of the last `weeks` weeks that there are rows of."""
    return [each for each in days if each.on > days[-1].on - timedelta(weeks=weeks)]


def _proposed(proposal: Proposal, plan: PlanSummary) -> dict[str, Any]:
    """What the page shows of one plan."""
    drawn = [charts.allocation(proposal), charts.marginal(proposal)]
    curves, placebo = charts.curve_table(proposal), history.placebo(proposal)
    return {
        "plan": plan,
        "decision_path": reverse("admin:operations_decision_change", args=[plan.decision_id]),
        "proposal": proposal,
        "headlines": summary.headlines(proposal, plan.budget_periods),
        "verdict": summary.verdict(proposal),
        "tested": summary.tested(proposal.backtest),
        "allocation": drawn[0],
        "marginal": drawn[1],
        "responses": charts.responses(proposal, plan.budget_periods),
        "key": charts.response_key(),
        "curve_table": curves,
        "placebo": placebo,
        "tables": [drawn[0].table, drawn[1].table, curves, placebo],
    }


def _response(proposal: Proposal, plan: PlanSummary, name: str) -> dict[str, Any]:
    """What a channel's page shows of the plan; nothing where the plan does not know it."""
    standing = _named(proposal.channels, name)
    if standing is None:
        return {}
    curve, table = _named(proposal.curves, name), charts.curve_table(proposal, name)
    drawn = charts.sizes(curve, standing, proposal.currency, plan.budget_periods) if curve else ()
    return {
        "plan": plan,
        "proposal": proposal,
        "standing": standing,
        "advice": _named(proposal.recommendations, name),
        "headlines": summary.channel(standing, proposal.currency),
        "key": charts.response_key(),
        "curve": drawn,
        "curve_table": table,
        "tables": [table],
    }


def _named(each_channel: Iterable[Of], name: str) -> Of | None:
    return next((each for each in each_channel if each.channel == name), None)
