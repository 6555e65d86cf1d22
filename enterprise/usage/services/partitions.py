"""Monthly partitions of the events, on PostgreSQL; elsewhere the events are one plain table.

There is no default partition: it would fill up, and then no month could be made any more. A daily
run keeps the coming months; a month that is missing is made by the insert that needs it.
"""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from datetime import date, datetime

from django.db import IntegrityError, connection, transaction

from aethercrown.db import bulk
from enterprise.usage.metering.months import months_after
from enterprise.usage.models import UsageEvent

NO_PARTITION = "23514"  # SQLSTATE of a row that no partition takes
LOCK_NUMBER = 715_204  # of the advisory locks; the second number is the month
MONTHS_AHEAD = 3
inserted: dict[tuple[int, int], bool] = {}  # months that this process has inserted into


def insert_events(
    insert: Callable[[], None], months: AbstractSet[tuple[int, int]], now: datetime
) -> None:
    """Insert events; where a month has no partition, make those of `months` and insert again.

    Months that this process has inserted into before need no savepoint, as those about the present
    are never dropped.
    """
    if connection.vendor != "postgresql" or months <= inserted.keys():
        try:
            insert()
        except IntegrityError:
            inserted.clear()
            raise
        return
    try:
        with transaction.atomic():
            insert()
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", "") != NO_PARTITION:
            raise
        make_months(months)
        insert()
    this = now.date().replace(day=1)
    present = {(each.year, each.month) for each in (this, months_after(this, -1))}
    known = [each for each in months if each in present]
    transaction.on_commit(lambda: inserted.update(dict.fromkeys(known, True)))


def months_of(times: Iterable[datetime]) -> set[tuple[int, int]]:
    """The months of times in UTC."""
    return {(each.year, each.month) for each in times}


def make_months(months: AbstractSet[tuple[int, int]]) -> None:
    """Make those of the months that are missing; to be called before clients are locked.

    To attach one waits for other transactions that attach one, and those lock clients afterwards.
    """
    if connection.vendor == "postgresql" and not months <= inserted.keys():
        for year, month in sorted(months):
            make_month(date(year, month, 1))


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
    """Detach a partition without locking the events, then delete it; outside a transaction.

    One whose detaching was interrupted is finished first.
    """
    alter = f"ALTER TABLE {bulk.table(UsageEvent)} DETACH PARTITION {name}"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass(%s)", [name]
        )
        match cursor.fetchone():
            case (True,):
                cursor.execute(f"{alter} FINALIZE")
            case (False,):
                cursor.execute(f"{alter} CONCURRENTLY")
        cursor.execute(f"DROP TABLE {name}")
    inserted.clear()


def detached_names() -> list[str]:
    """Months that were detached, by a run that was ended before it deleted them."""
    table = UsageEvent._meta.db_table  # noqa: SLF001 - documented
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ %s"
            " AND NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = pg_class.oid) ORDER BY 1",
            [f"^{table}_[0-9]{{4}}_[0-9]{{2}}$"],
        )
        return [name for (name,) in cursor.fetchall()]
