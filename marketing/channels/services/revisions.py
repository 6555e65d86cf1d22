"""Revisions of rows: what people enter comes after every import so far."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Max

from marketing.channels.models import Performance


def import_revision(import_id: int) -> int:
    """The revision of an import's rows."""
    return 2 * import_id


def manual_revision() -> int:
    """The revision of rows that people enter now, after every import's."""
    newest = Performance.revisions.aggregate(newest=Max("data_import"))["newest"]
    return 2 * (newest or 0) + 1 if newest else 0


def keep_edited(row: Performance) -> None:
    """Store a row that a person entered or changed; undoing an import leaves it."""
    row.revision, row.data_import = manual_revision(), None
    row.save()


@transaction.atomic
def delete_rows(rows: Iterable[Performance]) -> None:
    """Delete rows with the earlier revisions of their channel and date, which else came back."""
    for row in rows:
        Performance.revisions.filter(channel_id=row.channel_id, date=row.date).delete()
