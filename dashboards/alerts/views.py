"""The page of alerts: unresolved ones, recent ones, and counts of messages."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from aethercrown.formatting import Unit
from aethercrown.history.attribution import shown_actor
from dashboards import page_context
from dashboards.access import viewer
from dashboards.tables import Column, Table
from operations.alerts import reports
from operations.messaging import reports as messaging


@viewer
def alerts(request: HttpRequest) -> HttpResponseBase:
    open_alerts = open_table(reports.unresolved())
    resolved = resolved_table(list(reports.recently_resolved()))
    totals = messaging.message_counts(timezone.now())
    sent = message_table(totals)
    return page_context.render_page(
        request,
        "alerts",
        "Alerts",
        [open_alerts, resolved, sent],
        counts=reports.counts(),
        open_alerts=open_alerts,
        resolved=resolved,
        sent=sent,
        mail_is_off=messaging.mail_is_off(),
        links_lack_host=totals.links_lack_host,
    )


def open_table(rows: Sequence[Any]) -> Table:
    """One row for each unresolved alert."""
    columns = (
        Column("Alert"),
        Column("Severity", badge=True),
        Column("What is wrong", prose=True),
        Column("Since"),
        Column("Last seen"),
        Column("Times", Unit()),
        Column("Acknowledged by"),
        Column("Source", csv_only=True),
    )
    cells = attrgetter(
        "severity", "message", "first_seen_at", "last_seen_at", "count", "acknowledged_by", "source"
    )
    lines = [(each.title, *cells(each)) for each in rows]
    return Table("open", "Wrong now", columns, lines, [reports.page(each) for each in rows])


def resolved_table(rows: Sequence[Any]) -> Table:
    """One row for each alert that was resolved recently."""
    columns = (
        Column("Alert"),
        Column("Severity", badge=True),
        Column("Since"),
        Column("Ended"),
        Column("Ended by"),
        Column("Note", prose=True),
        Column("Source", csv_only=True),
    )
    cells = attrgetter("severity", "first_seen_at", "resolved_at")
    lines = [
        (each.title, *cells(each), shown_actor(each.resolved_by), each.note, each.source)
        for each in rows
    ]
    return Table("resolved", "Ended", columns, lines, [reports.page(each) for each in rows])


def message_table(totals: messaging.MessageCounts) -> Table:
    """How many messages are in each state."""
    lines = [
        ("Destinations that are on", totals.destinations),
        ("Sent in the last 24 hours", totals.sent),
        ("Waiting", totals.waiting),
        ("Given up", totals.dead),
    ]
    return Table("messages", "Messages", (Column("What"), Column("How many", Unit())), lines)
