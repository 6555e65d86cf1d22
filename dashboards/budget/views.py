"""The budget's two pages: the whole plan, and one channel."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.core.exceptions import BadRequest, ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.metrics.period import Period
from aethercrown.metrics.registry import MetricQuery, measure
from aethercrown.page_parts import EmptyState
from aethercrown.text import segment_name
from dashboards import access, page_context
from dashboards.access import viewer
from dashboards.budget import charts, summary, tables
from dashboards.charts import SIZES
from dashboards.page_context import kept_parameters
from dashboards.period_choice import PARAMETERS, PeriodChoice, read_period
from dashboards.tiles import Tile, tiles
from marketing.budget import reports
from marketing.budget.measurement.decision import AUTOMATION
from marketing.budget.planner.proposal import Proposal
from marketing.budget.reports import BudgetOverview, DailyPerformance
from operations.automations import reports as automations
from operations.decisions.decision_text import failed_guardrails

DAY = timedelta(days=1)
IMPORT_PATH = "/dashboards/imports?kind=budget-performance"
AMOUNT_PATH = "/dashboards/budget-amount"
PRESETS, DEFAULT = ("3m", "6m", "12m", "24m"), "12m"
NO_SPEND = EmptyState(
    "No spend is stored for this period",
    "Choose another period, or import spend and revenue by channel with this command:",
    command="./manage.py import_data budget-performance FILE",
)
BUDGET = page_context.Breadcrumb("Budget", "/dashboards/budget")


@viewer
def budget(request: HttpRequest) -> HttpResponseBase:
    """The leading plan in a currency, or the one that ?plan= names."""
    period = read_period(request.GET, timezone.localdate(), PRESETS, DEFAULT)
    found = _requested_overview(request)
    days = _within(found.trend, period.period)
    trend = charts.trend(days, found.currency)
    plans = tables.plan_history(found.history, found.currency)
    context = _plan_context(found.proposal, found.plan) if found.proposal and found.plan else {}
    since = reports.followed(found.in_force, found.currency, timezone.localdate() - DAY)
    followed = tables.followed(*since, found.currency)
    return page_context.render_page(
        request,
        "budget",
        "Budget",
        [*context.pop("tables", []), trend.table, followed, plans],
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        trend=trend if days else None,
        no_spend=NO_SPEND,
        spend=_spend(found.currency, period),
        history=plans,
        followed=followed,
        set_amount=str(reports.budget_amount()),
        amount_path=AMOUNT_PATH,
        next_run=automations.next_run(AUTOMATION, timezone.now()),
        import_path=IMPORT_PATH if access.may_open(request, IMPORT_PATH) else "",
        tasks=reports.open_tasks(found.currency),
        **context,
    )


@viewer
def channel(request: HttpRequest, name: str) -> HttpResponseBase:
    """One channel: its curve, what it gets now and as proposed, what it brought."""
    if "\0" in name:  # PostgreSQL refuses it as a parameter
        raise Http404("A channel's name has no NUL in it.")
    name = segment_name(name)
    period = read_period(request.GET, timezone.localdate(), PRESETS, DEFAULT, compares=False)
    found = _requested_overview(request)
    known = reports.spend_trend(found.currency, name)
    days = _within(known, period.period)
    context = (
        _channel_context(found.proposal, found.plan, name) if found.proposal and found.plan else {}
    )
    if not context and not known:
        raise Http404(f"No channel called {name!r} has rows or a place in the plan.")
    trend = charts.trend(days, found.currency)
    return page_context.render_page(
        request,
        "budget-channel",
        name,
        [*context.pop("tables", []), trend.table],
        [BUDGET],
        name=name,
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        trend=trend if days else None,
        no_spend=NO_SPEND,
        in_force=summary.in_force_text({e.channel.name: e for e in found.in_force}.get(name)),
        **context,
    )


def _requested_overview(request: HttpRequest) -> BudgetOverview:
    chosen = page_context.chosen_currency(request)
    currency = chosen if "currency" in request.GET else reports.budget_amount().currency
    asked = request.GET.get("plan")
    if asked is not None and not (asked.isascii() and asked.isdigit() and len(asked) < 19):
        raise BadRequest(f"plan is the number of a plan, not {asked[:20]!r}.")
    try:
        found = reports.overview(currency, int(asked) if asked else None)
    except ObjectDoesNotExist:
        raise Http404(f"There is no plan {asked}.") from None
    if found.plan and found.plan.currency != currency:
        return reports.overview(found.plan.currency, found.plan.pk)
    return found


def _spend(currency: str, period: PeriodChoice) -> list[Tile]:
    query = MetricQuery(period.period, currency, timezone.now())
    return tiles(measure(["budget.spend"], query, period.compared), period.compared_text)


def _within(days: Sequence[DailyPerformance], period: Period) -> list[DailyPerformance]:
    return [each for each in days if period.first <= each.on <= period.last]


def _plan_context(proposal: Proposal, plan: Any) -> dict[str, Any]:
    """What the page shows of one plan."""
    allocation, marginal = charts.allocation(proposal), charts.marginal(proposal)
    curves, placebo = charts.curve_table(proposal), tables.placebo(proposal)
    return {
        "plan": plan,
        "decision_path": reverse("decision", args=[plan.decision_id]),
        "state": summary.state_text(plan.decision),
        "failed": failed_guardrails(plan.decision.guardrails),
        "proposal": proposal,
        "headlines": summary.plan_figures(proposal, plan.budget_periods),
        "verdict": summary.verdict(proposal),
        "tested": summary.backtest_figures(proposal.backtest),
        "allocation": allocation,
        "marginal": marginal,
        "responses": charts.responses(proposal, plan.budget_periods),
        "key": charts.curve_legend(),
        "curve_table": curves,
        "placebo": placebo,
        "tables": [allocation.table, marginal.table, curves, placebo],
    }


def _channel_context(proposal: Proposal, plan: Any, name: str) -> dict[str, Any]:
    """What a channel's page shows of the plan; nothing where the plan does not know it."""
    summary_row = _of_channel(proposal.channels, name)
    if summary_row is None:
        return {}
    curve, table = _of_channel(proposal.curves, name), charts.curve_table(proposal, name)
    facts = (summary_row, proposal.currency, plan.budget_periods)
    drawn = tuple(charts.response(curve, *facts, frame) for frame in SIZES) if curve else ()
    return {
        "plan": plan,
        "proposal": proposal,
        "summary": summary_row,
        "advice": _of_channel(proposal.recommendations, name),
        "headlines": summary.channel_figures(summary_row, proposal.currency),
        "key": charts.curve_legend(),
        "curve": drawn,
        "curve_table": table,
        "tables": [table],
    }


def _of_channel(rows: Iterable[Any], name: str) -> Any:
    return next((each for each in rows if each.channel == name), None)
