"""The page of keys: one table per status, recent rotations, ending API keys."""

from datetime import timedelta
from operator import attrgetter

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from aethercrown.admin_actions import change_url
from aethercrown.formatting import Unit, counted
from dashboards import page_context
from dashboards.access import viewer
from dashboards.tables import Column, Table
from security.apikeys import reports as apikeys
from security.rotation import reports

ENDING_WITHIN = timedelta(days=30)
TABLES = (  # status, key of the table, title
    ("failing", "failing", "Failing"),
    ("overdue", "overdue", "Overdue"),
    ("due_soon", "due-soon", "Due soon"),
    ("healthy", "healthy", "Healthy"),
)
KEY_COLUMNS = (
    Column("Key"),
    Column("Level"),
    Column("Status", badge=True),
    Column("State", badge=True),
    Column("Next rotation"),
    Column("Last rotated"),
    Column("Version", Unit()),
    Column("Rotator", csv_only=True),
    Column("Owner"),
    Column("Last error", prose=True),
)
KEY_VALUES = attrgetter("due_at", "last_rotated_at", "version", "rotator", "owner", "last_error")
ROTATION_COLUMNS = (
    Column("Key"),
    Column("Version", Unit()),
    Column("Reason"),
    Column("Current since"),
    Column("State", badge=True),
    Column("Old value until"),
    Column("By", csv_only=True),
)
ROTATION_VALUES = attrgetter(
    "key.key_id", "number", "reason", "current_at", "state", "retire_at", "actor"
)
API_KEY_COLUMNS = (Column("API key"), Column("Ends"), Column("Reason"), Column("Last used"))


@viewer
def keys(request: HttpRequest) -> HttpResponseBase:
    now = timezone.now()
    tables = key_tables()
    rotations, ending = recent_rotations(), ending_api_keys()
    report = reports.report(now)
    return page_context.render_page(
        request,
        "keys",
        "Keys",
        [*tables, rotations, ending],
        report=report,
        verdict="bad" if report["overdue"] or report["failing_keys"] else "good",
        headline=headline(report["overdue"], report["total_keys"]),
        tables=tables,
        rotations=rotations,
        ending=ending,
        old_peppers=apikeys.count_under_old_pepper(),
    )


def headline(overdue: int, total: int) -> str:
    if not total:
        return "No managed key yet"
    if not overdue:
        return f"None of {total} keys is overdue" if total > 1 else "The only key is not overdue"
    return f"{overdue} of {counted(total, 'key')} {'is' if overdue == 1 else 'are'} overdue"


def key_tables() -> list[Table]:
    """One table per status; within it the next due first."""
    now, tables = timezone.now(), []
    live = reports.keys_with_version().filter(state__in=reports.LIVE_STATES)
    ordered = list(live.order_by("due_at", "key_id"))
    for status, name, title in TABLES:
        keys = [each for each in ordered if reports.status_of(each, now) == status]
        label = status.replace("_", " ")
        rows = [(each.key_id, each.level, label, each.state, *KEY_VALUES(each)) for each in keys]
        paths = [change_url(each) for each in keys]
        tables.append(Table(name, title, KEY_COLUMNS, rows, paths))
    return tables


def recent_rotations() -> Table:
    versions = reports.recent_rotations()
    rows = [ROTATION_VALUES(each) for each in versions]
    paths = [change_url(each.key) for each in versions]
    return Table("history", "Recent rotations", ROTATION_COLUMNS, rows, paths)


def ending_api_keys() -> Table:
    """API keys that end within 30 days, and when they were last used."""
    keys = apikeys.ending(timezone.now(), ENDING_WITHIN)
    rows = [
        (
            str(key),
            apikeys.ends_at(key),
            "replaced" if key.retire_at else "expires",
            key.last_used_at,
        )
        for key in keys
    ]
    paths = [change_url(key) for key in keys]
    return Table("api-keys", "API keys that end within 30 days", API_KEY_COLUMNS, rows, paths)
