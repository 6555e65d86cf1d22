"""The page of the onboardings, and that of one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import COUNT, PERCENT, Unit, counted, moment_text, percent_text
from aethercrown.history.attribution import shown_actor
from aethercrown.metrics.registry import MetricQuery, measure
from aethercrown.page_parts import EmptyState
from dashboards import access, page_context
from dashboards.access import viewer
from dashboards.listing import ListField, Listing
from dashboards.page_context import kept_parameters
from dashboards.period_choice import MAX_DAYS, PARAMETERS, read_period
from dashboards.tables import Column, Table
from dashboards.tiles import tiles
from enterprise.onboarding.reports import flows as reports
from enterprise.onboarding.states import CHECKED, FLOW_STATES, STATED

PRESETS, DEFAULT = ("30d", "90d", "365d"), "90d"
TILES = (
    *("onboarding.open", "onboarding.completed", "onboarding.duration"),
    *("sla.attainment", "sla.breaches"),
)
HOURS = Unit(suffix="\u00a0h", digits=1)
DONE_MEANS = {STATED: "said by a person", CHECKED: "checked by the platform"}
ONBOARDINGS = page_context.Breadcrumb("Onboarding", "/dashboards/onboarding")
NOTHING = EmptyState(
    "No onboarding yet",
    "One begins with a call of POST /api/v1/enterprise/onboarding/create.",
)


@viewer
def onboardings(request: HttpRequest) -> HttpResponseBase:
    """Every onboarding with its forecast; the newest first."""
    now = timezone.now()
    period = read_period(request.GET, now.date(), PRESETS, DEFAULT, max_days=MAX_DAYS)
    listed = flow_listing(request.GET.dict())
    query = MetricQuery(period.period, "", now)
    return page_context.render_page(
        request,
        "onboarding",
        "Onboarding",
        [listed],
        period=period,
        kept=kept_parameters(request, *PARAMETERS),
        problems=period.problems,
        tiles=tiles(measure(TILES, query, period.compared), period.compared_text),
        listed=listed,
        nothing=NOTHING,
        records=[*filter(None, [reports.forecast_record()]), *reports.first_value_notes(now)],
    )


def flow_listing(given: Mapping[str, str]) -> Listing:
    fields = (
        ListField("company_name", Column("Company"), search=True),
        ListField(
            "status", Column("Status", badge=True), filter=True, choices=FLOW_STATES,
            show=lambda state: state.replace("_", " "),
        ),
        ListField("tier", Column("Tier"), filter=True),
        ListField("started_at", Column("Started")),
        ListField("estimated_at", Column("Go-live, estimate")),
        ListField("high_at", Column("At the latest, 80 %", csv_only=True)),
        ListField("completed_at", Column("Completed")),
    )  # fmt: skip
    return Listing(
        "flows", "Onboardings", fields, reports.flows(), given,
        order="-started_at", path="/dashboards/onboarding/{pk}", noun="onboarding",
    )  # fmt: skip


@viewer
def onboarding(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One onboarding: progress, steps, blockers, clocks and log."""
    flow = reports.flows().filter(pk=pk).first()
    if flow is None:
        raise Http404(f"There is no onboarding {pk}.")
    now = timezone.now()
    steps = reports.steps_of(flow)
    report = reports.report_fields(flow, now)
    tables = [
        step_table(steps),
        blocker_table(report["blockers"]),
        clock_table(report["sla"]["clocks"]),
        log_table(reports.log_of(flow)),
    ]
    admin_path = reverse("admin:enterprise_onboardingflow_change", args=[flow.pk])
    opens = access.may_open(request, reverse("admin:enterprise_onboardingflow_changelist"))
    return page_context.render_page(
        request,
        "onboarding-flow",
        flow.company_name,
        tables,
        [ONBOARDINGS],
        flow=flow,
        status_text=flow.get_status_display(),
        progress=reports.progress_of(steps),
        notes=notes(flow, report, now),
        steps=tables[0],
        blockers=tables[1],
        clocks=tables[2],
        log=tables[3],
        admin_path=admin_path if opens else "",
    )


def notes(flow: Any, report: Mapping[str, Any], now: datetime) -> list[str]:
    """Tier, forecast and calendar of the flow, in sentences."""
    why, target = ", ".join(flow.tier_reasons), report["sla"]["response_target"]
    found = [f"Tier {flow.tier}: {why}. First response within {target}."]
    if flow.estimated_at and report["estimated_days_remaining"]:
        basis = (
            f"from {flow.reference_flows} earlier flows"
            if reports.has_history(flow)
            else "no history yet: from planned hours"
        )
        found.append(
            f"Go-live about {moment_text(flow.estimated_at)}; in 8 of 10 cases between "
            f"{moment_text(flow.low_at)} and {moment_text(flow.high_at)} ({basis})."
        )
    if report["time_to_first_value_days"] is not None:
        found.append(f"First value after {counted(report['time_to_first_value_days'], 'day')}.")
    uptime = report["sla"]["uptime_percent"]
    if uptime is not None:
        promised = report["sla"]["terms"]["uptime_percent"]
        texts = percent_text(uptime, 2), percent_text(promised, 2)
        found.append(f"Uptime this month {texts[0]}, promised {texts[1]}.")
    return found + reports.version_notes(flow)


def step_table(steps: Any) -> Table:
    columns = (
        Column("Step"),
        Column("State", badge=True),
        Column("With"),
        Column("Due"),
        Column("Slack", HOURS),
        Column("Planned", HOURS),
        Column("Took", HOURS),
        Column("Finished"),
        Column("Done means"),
    )
    rows = [
        (
            each.name.replace("_", " "),
            each.state.replace("_", " "),
            reports.assigned_to(each).replace("_", " "),
            each.due_at,
            each.slack_hours,
            each.hours,
            each.actual_hours,
            each.finished_at,
            DONE_MEANS[each.evidence],
        )
        for each in steps
    ]
    return Table("steps", "Steps", columns, rows)


def blocker_table(found: Any) -> Table:
    columns = (
        Column("Step"),
        Column("Blocker"),
        Column("Why", prose=True),
        Column("With"),
        Column("Since"),
    )
    rows = [
        (
            each["step"].replace("_", " "),
            each["kind"].replace("_", " "),
            each["reason"],
            each["owner"].replace("_", " "),
            each["since"],
        )
        for each in found
    ]
    return Table("blockers", "Blockers", columns, rows)


def clock_table(found: Any) -> Table:
    columns = (
        Column("Clock"),
        Column("State", badge=True),
        Column("Outcome", badge=True),
        Column("Used", PERCENT),
        Column("Due"),
    )
    rows = [
        (each["title"], each["state"], each["outcome"], each["elapsed_percent"], each["due_at"])
        for each in found
    ]
    return Table("clocks", "SLA clocks", columns, rows)


def log_table(found: Any) -> Table:
    columns = (
        Column("Entry", COUNT),
        Column("At"),
        Column("Step"),
        Column("Event"),
        Column("State", badge=True),
        Column("By"),
        Column("Reason", prose=True),
    )
    rows = [
        (
            each.sequence,
            each.at,
            each.step.replace("_", " "),
            each.event.replace("_", " "),
            each.to_state.replace("_", " "),
            shown_actor(each.actor),
            each.reason,
        )
        for each in found
    ]
    return Table("log", "Log", columns, rows)
