"""Importing CSV text as the command does; today is 20 March 2026."""

import io
from datetime import UTC, date, datetime

from aethercrown.csv import importing
from aethercrown.csv.importing import ImportOptions

TODAY = date(2026, 3, 20)
NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
PEOPLE = "external_id,name,segment,currency\na,Ada Ltd,Retail,USD\nb,Bea Ltd,,EUR\n"


def load(kind, content, *, update=False, today: date | None = TODAY, dry_run=False):
    file = io.BytesIO(content.encode())
    options = ImportOptions("USD", update, today)
    return importing.load(importing.named(kind), file, {}, options, dry_run=dry_run)


def faults_of(report):
    """Row, column and reason of each fault; nothing was stored."""
    assert not report.stored
    return [(each.row, each.column, each.reason) for each in report.faults]
