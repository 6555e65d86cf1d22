"""The history of one row, for people who may see it; other pages show its newest changes."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponseBase

from aethercrown.history import display
from aethercrown.history.attribution import shown_actor
from aethercrown.history.display import HistoryChange
from aethercrown.text import sentence_case
from dashboards import access, navigation, page_context
from dashboards.access import viewer
from dashboards.tables import Column, Table
from dashboards.templatetags.history_link import history_path, view_permission

SEES_ADDRESSES = "security.view_event"


@viewer
def history(request: HttpRequest, app: str, model: str, pk: int) -> HttpResponseBase:
    """Every change of a row that staff edit, the newest first."""
    label = f"{app}.{model}"
    found = next((job for job in navigation.jobs() if label in job.lists), None)
    row = display.tracked_row(label, pk) if found else None
    if found is None or row is None:
        raise Http404(f"No history is kept of {label[:50]} {pk}.")
    if not access.holds(request, view_permission(row)):
        raise PermissionDenied
    changes = display.changes(row) or []
    table = history_table(changes, with_address=access.holds(request, SEES_ADDRESSES))
    above = page_context.Breadcrumb(found.title, found.page) if found.page else None
    return page_context.render_page(
        request,
        "history",
        f"History of {row}",
        [table],
        [above] if above else [],
        row=row,
        kind=str(row._meta.verbose_name),  # noqa: SLF001 - a documented name of Django's
        table=table,
        is_cut=len(changes) == display.MOST,
        most=display.MOST,
    )


def newest_changes(request: HttpRequest, row: Model, most: int) -> tuple[Table, str]:
    """A row's newest changes, and the path of all; without rows for whom they would not open."""
    path = history_path(request, row)
    changes = display.changes(row, most) if path else None
    return history_table(changes or [], title="Who changed it"), path


def history_table(
    changes: list[HistoryChange], *, title: str = "Changes", with_address: bool = False
) -> Table:
    """A line for each value that a change set; one for a change without values."""
    columns = [*map(Column, ("When", "Who", "What", "Value")), Column("Before", prose=True)]
    columns.append(Column("After", prose=True))
    if with_address:
        columns.append(Column("Address"))
    lines: list[list[Any]] = []
    for each in changes:
        act = sentence_case(f"{each.act}: {each.reason}" if each.reason else each.act)
        start = [each.at, shown_actor(each.actor), act]
        values = [(it.name, it.before, it.after) for it in each.values] or [("", "", "")]
        lines += [[*start, *it, *([each.address] if with_address else [])] for it in values]
    return Table("changes", title, tuple(columns), lines)
