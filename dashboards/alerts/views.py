"""Alerts as a page: what is wrong now, what was lately, and how messages fare."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from aethercrown.charts.figures import Unit
from dashboards import page_context
from dashboards.access import viewer
from dashboards.tables import Column, Table
from operations.alerts import reports
from operations.messaging import reports as outbox


@viewer
def alerts(request: HttpRequest) -> HttpResponseBase:
    waiting = reports.unresolved()
    wrong = unresolved(waiting)
    over = resolved(list(reports.recently_resolved()))
    traffic = outbox.message_counts(timezone.now())
    sent = messages(traffic)
    return page_context.csv_download(
        request, "alerts", [wrong, over, sent]
    ) or page_context.render_page(
        request,
        "dashboards/alerts.html",
        [page_context.Breadcrumb("Overview", "/"), page_context.Breadcrumb("Alerts")],
        counts=reports.counts(),
        wrong=wrong,
        over=over,
        sent=sent,
        mail_is_off=outbox.mail_is_off(),
        links_are_bare=counts.links_lack_host,
    )


def unresolved(rows: Sequence[Any]) -> Table:
    """One row an alert that is not over."""
    columns = (
        Column("Alert"),
        Column("Severity", badge=True),
        Column("What is wrong", prose=True),
        Column("Since"),
        Column("Last seen"),
        Column("Times", Unit()),
        Column("Taken on by"),
    )
    lines = [
        (
            str(each),
            each.severity,
            each.message,
            each.first_seen_at,
            each.last_seen_at,
            each.count,
            each.acknowledged_by,
        )
        for each in rows
    ]
    return Table("open", "Wrong now", columns, lines, [reports.page(each) for each in rows])


def resolved(rows: Sequence[Any]) -> Table:
    """One row an alert that ended lately."""
    columns = (
        Column("Alert"),
        Column("Severity", badge=True),
        Column("Since"),
        Column("Ended"),
        Column("Ended by"),
        Column("Note", prose=True),
    )
    lines = [
        (
            str(each),
            each.severity,
            each.first_seen_at,
            each.resolved_at,
            each.resolved_by,
            each.note,
        )
        for each in rows
    ]
    return Table("resolved", "Over", columns, lines, [reports.page(each) for each in rows])


def messages(traffic: outbox.MessageCounts) -> Table:
    """How many messages stand where."""
    lines = [
        ("Destinations that are on", traffic.destinations),
        ("Sent in the last 24 hours", traffic.sent),
        ("Waiting", traffic.waiting),
        ("Given up", traffic.dead),
    ]
    return Table("messages", "Messages", (Column("What"), Column("How many", Unit())), lines)
