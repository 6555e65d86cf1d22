"""The page of one automation: how it is set, its newest runs, and who changed it."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import duration_text, moment_text, percent_text, yes_no
from aethercrown.text import last_line, sentence_case
from dashboards import access, page_context
from dashboards.access import opened_by
from dashboards.history.views import newest_changes
from dashboards.tables import Column, Table
from operations.automations import reports, schedule_text, services
from operations.automations.registry import automation_registry
from operations.automations.tasks import send_run

PAGES, MAY_RUN = "security.view_pages", "security.operate"
AUTOMATIONS = page_context.Breadcrumb("Automations", "/dashboards/automations")
MAX_RUNS, MAX_CHANGES = 10, 10


@opened_by(PAGES, posts=MAY_RUN)
def automation(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A POST runs it now."""
    row = reports.automations().filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no automation {pk}.")
    if request.method == "POST":
        return _run_now(request, row)
    opens = access.may_open(request, reverse("admin:operations_run_changelist"))
    runs = runs_table(list(row.runs.all()[:MAX_RUNS]), opens=opens)
    changes, history = newest_changes(request, row, MAX_CHANGES)
    spec = automation_registry.get(row.name) if row.name in automation_registry else None
    return page_context.render_page(
        request,
        "automation",
        row.title,
        [runs, changes],
        [AUTOMATIONS],
        row=row,
        spec=spec,
        facts=facts(row),
        limits=limits(row),
        runs=runs,
        changes=changes,
        history=history,
        may_run=access.holds(request, MAY_RUN),
        admin_path=reverse("admin:operations_automation_change", args=[pk]),
    )


def _run_now(request: HttpRequest, row: Any) -> HttpResponseBase:
    try:
        services.enqueue_manual_run(row.name, timezone.now())
    except services.AutomationDisabled as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{row.title} runs as soon as a worker is free.")
        transaction.on_commit(lambda: send_run(row.name))
    return redirect("automation", pk=row.pk)


def facts(row: Any) -> list[tuple[str, str]]:
    """When it runs, in which mode, and when next."""
    ahead = reports.upcoming(row, timezone.now(), 1)
    found = [
        ("Runs", sentence_case(schedule_text.describe(row.schedule))),
        ("Time zone", row.zone),
        ("On", sentence_case(yes_no(row.is_enabled))),
        ("Mode", sentence_case(row.get_mode_display())),
        ("Missed runs", sentence_case(row.get_missed_display())),
        ("Next run", moment_text(ahead[0]) if ahead else "None while it is off"),
    ]
    if row.auto_disabled_at:
        why = f"{moment_text(row.auto_disabled_at)}: {row.auto_disabled_reason}"
        found.append(("Taken out of auto", why))
    return found


def limits(row: Any) -> list[tuple[str, str]]:
    """What a decision must keep to be applied without a person; one that is not set is none."""
    hours = row.data_age_hours
    quiet = f"{row.quiet_from:%H:%M} to {row.quiet_until:%H:%M}" if row.quiet_from else None
    found = [
        ("Largest change", _percent(row.largest_change_percent)),
        ("Largest change in a day", _percent(row.largest_daily_change_percent)),
        ("Most applied in a day", None if (n := row.applied_per_day) is None else f"{n:,}"),
        ("Least confidence", _percent(row.least_confidence_percent)),
        ("Oldest data", None if hours is None else duration_text(hours * 3600)),
        ("Quiet hours", quiet),
        ("Only where the whole expected interval is above zero", yes_no(row.needs_sure_gain)),
        ("Only without a critical alert", yes_no(row.needs_no_critical_alert)),
    ]
    return [(name, sentence_case(text or "no limit")) for name, text in found]


def _percent(value: float | None) -> str | None:
    return None if value is None else percent_text(value)


def runs_table(rows: list[Any], *, opens: bool) -> Table:
    columns = (
        Column("Planned for"),
        Column("State", badge=True),
        Column("Started by"),
        Column("Took"),
        Column("Outcome", prose=True),
    )
    lines = [
        (
            each.planned_for,
            each.state,
            sentence_case(each.trigger),
            duration_text(each.ended_at - each.started_at)
            if each.ended_at and each.started_at
            else None,
            last_line(each.reason or each.error or each.summary or "not yet"),
        )
        for each in rows
    ]
    paths = [reverse("admin:operations_run_change", args=[each.pk]) for each in rows]
    return Table("runs", "Newest runs", columns, lines, paths if opens else [])
