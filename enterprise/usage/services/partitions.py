"""Monthly partitions of the events, on PostgreSQL; elsewhere the events are one plain table.

There is no default partition: it would fill up, and then no month could be made any more. A daily
run keeps the coming months; a month that is missing is made by the insert that needs it.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime

from django.db import IntegrityError, connection, transaction

from aethercrown.db import bulk
from enterprise.usage.models import UsageEvent
from enterprise.usage.months import months_after

NO_PARTITION = "23514"  # SQLSTATE of a row that no partition takes
LOCK_NUMBER = 715_204  # of the advisory locks; the second number is the month
MONTHS_AHEAD = 3


def insert_events(insert: Callable[[], None], months: Iterable[date]) -> None:
    """Insert events; where a month has no partition, make those of `months` and insert again."""
    has_months = connection.vendor == "postgresql"
    attempt: AbstractContextManager[object] = transaction.atomic() if has_months else nullcontext()
    try:
        with attempt:
            insert()
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", "") != NO_PARTITION:
            raise
        for each in sorted(months):
            make_month(each)
        insert()


def name_of(month: date) -> str:
    return f"{UsageEvent._meta.db_table}_{month:%Y_%m}"  # noqa: SLF001 - documented


@transaction.atomic
def make_month(month: date) -> bool:
    """Make the partition of a month unless it is there, under a lock of that month."""
    name, parent = name_of(month), bulk.table(UsageEvent)
    start, end = (f"{each} 00:00+00" for each in (month, months_after(month, 1)))
    with connection.cursor() as cursor:
        number = month.year * 12 + month.month
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_NUMBER, number])
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone() != (None,):
            return False
        inside = f"occurred_at >= '{start}' AND occurred_at < '{end}'"
        cursor.execute(
            f"CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS,"
            f" CONSTRAINT {name}_month CHECK ({inside}))"
        )
        cursor.execute(
            f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')"
        )
    return True


def make_coming_months(now: datetime) -> list[date]:
    """Make the partitions of the present and the coming months; those that were missing."""
    return [each for each in coming_months(now) if make_month(each)]


def missing_months(now: datetime) -> list[date]:
    """The present and the coming months that have no partition."""
    wanted = coming_months(now)
    known = set(partition_names()) if wanted else set()
    return [each for each in wanted if name_of(each) not in known]


def coming_months(now: datetime) -> list[date]:
    """The present and the coming months; none where the events are one plain table."""
    this = now.date().replace(day=1)
    ahead = range(MONTHS_AHEAD + 1) if connection.vendor == "postgresql" else range(0)
    return [months_after(this, each) for each in ahead]


def partition_names() -> list[str]:
    """The partitions of the events, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"
            " ORDER BY 1",
            [UsageEvent._meta.db_table],  # noqa: SLF001 - documented
        )
        return [name for (name,) in cursor.fetchall()]


def drop(name: str) -> None:
    """Detach a partition without locking the events, then delete it; outside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {bulk.table(UsageEvent)} DETACH PARTITION {name} CONCURRENTLY")
        cursor.execute(f"DROP TABLE {name}")
