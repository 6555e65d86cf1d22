"""Compare rollups with events, delete what is old, and keep the coming months' partitions."""

from datetime import UTC, date, datetime, timedelta
from random import Random

from django.db import connection

from aethercrown.db.bulk import forget
from aethercrown.formatting import counted, moment_text
from aethercrown.severity import CRITICAL
from enterprise.usage import reports
from enterprise.usage.metering.months import months_after
from enterprise.usage.models import (
    EventKey,
    RefusedEvent,
    RollupCheck,
    UsageEvent,
    UsageHour,
)
from enterprise.usage.reports import rollups
from enterprise.usage.reports.rollups import HourDifference
from enterprise.usage.services import partitions
from operations.alerts import services as alerts

SOURCE = "enterprise.usage"
REFUSED_KEPT = timedelta(days=7)
CHECKS_KEPT = timedelta(days=400)
TOUCHED_SINCE = timedelta(hours=25)  # a day, and the hour by which a run may be late
SHARE_OF_OLDER = 100  # of the older hours, one in so many is compared
MAX_LISTED = 20
LINK = "/dashboards/usage"


def check_rollups(now: datetime, random: Random) -> RollupCheck:
    """Compare every hour that was written to since yesterday with its day, and some older ones."""
    earliest = oldest_event(now)
    hours = set(rollups.hours_touched(now - TOUCHED_SINCE, now, earliest))
    days = rollups.days_touched(now - TOUCHED_SINCE, now, earliest)
    older = UsageHour.objects.filter(hour__gte=earliest).order_by()
    every = sorted(set(older.values_list("hour", flat=True).distinct()) - hours)
    hours |= set(random.sample(every, -(-len(every) // SHARE_OF_OLDER)))
    found = [difference_text(each) for each in rollups.differences(sorted(hours))]
    found += [
        f"Customer {customer}, metric {metric}, {day}: the day differs from its events."
        for customer, metric, day in rollups.day_differences(days)
    ]
    row = RollupCheck.objects.create(
        checked_at=now, hours=len(hours), differences=len(found), listed=found[:MAX_LISTED]
    )
    if found:
        words = f"Rollups that differ from their events: {len(found):,}. {row.listed[0]}"
        alerts.raise_alert(
            SOURCE, "rollups_differ", "Usage rollups", CRITICAL, words, link=LINK, now=now
        )
    else:
        alerts.resolve(SOURCE, "rollups_differ", "Usage rollups", now=now)
    return row


def difference_text(each: HourDifference) -> str:
    return (
        f"Customer {each.customer}, metric {each.metric}, {moment_text(each.hour)}: the rollup has "
        f"{counted(each.stored[0], 'event')} and {each.stored[1]}, the events are "
        f"{each.counted[0]} and {each.counted[1]}."
    )


def oldest_event(now: datetime) -> datetime:
    """The first moment whose events are kept by the policy."""
    months = reports.usage_policy().raw_months
    return first_moment(months_after(now.date().replace(day=1), -months))


def delete_old(now: datetime) -> int:
    """Delete expired ids, refused events and checks, and events older than the policy; how many."""
    done = forget(EventKey.objects.filter(expires_at__lt=now))
    done += forget(RefusedEvent.objects.filter(received_at__lt=now - REFUSED_KEPT))
    done += forget(RollupCheck.objects.filter(checked_at__lt=now - CHECKS_KEPT))
    return done + delete_old_events(oldest_event(now))


def delete_old_events(before: datetime) -> int:
    """Delete the months before a moment whose hours all agree with their rollups; how many events.

    On PostgreSQL a month is a partition, which is detached and dropped. A month that differs is
    kept to be looked at: the nightly check raised an alert.
    """
    old = UsageEvent.objects.filter(occurred_at__lt=before).order_by()
    by_month: dict[date, list[datetime]] = {}
    for hour in rollups.hours_of(old):
        by_month.setdefault(hour.date().replace(day=1), []).append(hour)
    agreeing = [month for month, hours in by_month.items() if not any(rollups.differences(hours))]
    months = [
        old.filter(
            occurred_at__gte=first_moment(month),
            occurred_at__lt=first_moment(months_after(month, 1)),
        )
        for month in agreeing
    ]
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        return sum(map(forget, months))
    count = sum(each.count() for each in months)
    kept = {partitions.name_of(month) for month in by_month.keys() - set(agreeing)}
    for name in [*partitions.partition_names(), *partitions.detached_names()]:
        if month_of_partition(name) < before.date() and name not in kept:
            partitions.drop(name)
    return count


def first_moment(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def month_of_partition(name: str) -> date:
    year, month = name.rsplit("_", 2)[1:]
    return date(int(year), int(month), 1)


def keep_partitions(now: datetime) -> list[date]:
    """Make the coming months, and alert if one could not be made; those that were made."""
    made = partitions.make_coming_months(now)
    if missing := partitions.missing_months(now):
        words = f"Months without a partition: {', '.join(f'{each:%Y-%m}' for each in missing)}."
        alerts.raise_alert(
            SOURCE, "no_partition", "Usage events", CRITICAL, words, link=LINK, now=now
        )
    else:
        alerts.resolve(SOURCE, "no_partition", "Usage events", now=now)
    return made
