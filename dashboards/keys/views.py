"""Managed keys as a page: what is overdue, what is due soon, all of them, and their history."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.charts.figures import Unit
from dashboards import page_context
from dashboards.access import viewer
from dashboards.tables import Column, Table
from security.apikeys import reports as apikeys
from security.compliance import reports as evidence
from security.rotation import reports, schedule

ENDING = timedelta(days=30)
WORDS = {"overdue": "overdue", "due_soon": "due soon", "healthy": "healthy"}
COLUMNS = (
    Column("Key"),
    Column("Level"),
    Column("Standing", badge=True),
    Column("State", badge=True),
    Column("Next rotation"),
    Column("Last rotated"),
    Column("Version", Unit()),
    Column("How", csv_only=True),
    Column("Whom to ask"),
    Column("What failed", prose=True),
)


@viewer
def keys(request: HttpRequest) -> HttpResponseBase:
    now = timezone.now()
    rows = {each.key_id: each for each in reports.keys().filter(state__in=reports.LIVE)}
    standing = {name: schedule.standing(key, now) for name, key in rows.items()}
    parts = {
        word: listed(key, title, (rows[name] for name in rows if standing[name] == word), word)
        for word, key, title in [
            ("overdue", "overdue", "Overdue"),
            ("due_soon", "due-soon", "Due within 7 days"),
            ("healthy", "healthy", "Healthy"),
        ]
    }
    past, ends = history(), ending()
    report = reports.report(now)
    return page_context.csv_download(
        request, "keys", [*parts.values(), past, ends]
    ) or page_context.render_page(
        request,
        "dashboards/keys.html",
        [page_context.Breadcrumb("Overview", "/"), page_context.Breadcrumb("Keys")],
        report=report,
        verdict="bad" if report["overdue"] or report["failing_keys"] else "good",
        words=headline(report["overdue"], report["total_keys"]),
        parts=list(parts.values()),
        history=past,
        ending=ends,
        old_peppers=apikeys.count_under_old_pepper(),
    )


def headline(overdue: int, total: int) -> str:
    if not total:
        return "No key is under management yet"
    if not overdue:
        return f"All {total} keys are in time" if total > 1 else "The one key is in time"
    return f"{overdue} of {total} keys {'is' if overdue == 1 else 'are'} overdue"


def listed(key: str, title: str, rows: Iterable[Any], word: str) -> Table:
    """Keys of one standing, the next to be rotated first."""
    found = sorted(rows, key=lambda each: (each.due_at, each.key_id))
    lines = [
        (
            each.key_id,
            each.level,
            WORDS[word],
            each.state,
            each.due_at,
            each.last_rotated_at,
            each.version,
            each.rotator,
            each.owner,
            each.last_error,
        )
        for each in found
    ]
    paths = [reverse("admin:security_managedsecret_change", args=[each.pk]) for each in found]
    return Table(key, title, COLUMNS, lines, paths)


def history() -> Table:
    """The newest rotations."""
    columns = (
        Column("Key"),
        Column("Version", Unit()),
        Column("Why"),
        Column("Current since"),
        Column("State", badge=True),
        Column("Old value until"),
        Column("By", csv_only=True),
    )
    found = evidence.lately()
    lines = [
        (
            each.key.key_id,
            each.number,
            each.reason,
            each.current_at,
            each.state,
            each.retire_at,
            each.actor,
        )
        for each in found
    ]
    paths = [reverse("admin:security_managedsecret_change", args=[each.key_id]) for each in found]
    return Table("history", "Latest rotations", columns, lines, paths)


def ending() -> Table:
    """API keys that end within thirty days, and whether somebody still uses them."""
    columns = (
        Column("API key"),
        Column("Ends"),
        Column("Why"),
        Column("Last used"),
    )
    found = apikeys.ending(timezone.now(), ENDING)
    lines = [
        (
            str(each),
            apikeys.ends_at(each),
            "replaced" if each.retire_at else "expires",
            each.last_used_at,
        )
        for each in found
    ]
    paths = [reverse("admin:security_apikey_change", args=[each.pk]) for each in found]
    return Table("api-keys", "API keys that end within 30 days", columns, lines, paths)
