"""The automations of usage: the hourly sweep of alerts, booking of days, and nightly upkeep."""

from datetime import datetime, timedelta
from random import Random

from django.db.models import Min

from aethercrown.formatting import counted, duration_text
from aethercrown.severity import WARNING
from enterprise.usage.models import ClientMetric, DirtyClient
from enterprise.usage.services import booking, plan_limits, thresholds, upkeep
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome

SOURCE = "enterprise.usage"
BATCH = 200
MAX_WAIT = timedelta(seconds=60)  # of a client whose use changed
MAX_NAMED = 20


def sweep(run: RunContext) -> RunOutcome:
    """Evaluate every client that has usage, by the limits in force and those of its plan."""
    after = evaluated = limits = alerted = 0
    while run.may_continue() and (batch := _clients(after)):
        after = batch[-1]
        limits += plan_limits.sync(batch, run.now)
        for customer in batch:
            alerted += len(thresholds.evaluate(customer, run.now))
            evaluated += 1
    check_wait(run.now)
    words = f"{counted(evaluated, 'client')} evaluated, {counted(alerted, 'threshold')} crossed"
    return RunOutcome(f"{words}; {counted(limits, 'new limit')} from plans.")


def _clients(after: int) -> list[int]:
    rows = ClientMetric.objects.filter(customer__gt=after).order_by("customer")
    return list(rows.values_list("customer", flat=True).distinct()[:BATCH])


def check_wait(now: datetime) -> None:
    """Alert if a client has waited for its evaluation for more than a minute."""
    oldest = DirtyClient.objects.aggregate(since=Min("since"))["since"]
    if oldest is not None and now - oldest > MAX_WAIT:
        words = f"A client's use has not been evaluated for {duration_text(now - oldest)}."
        alerts.raise_alert(
            SOURCE, "evaluation_late", "Usage", WARNING, words, link=upkeep.LINK, now=now
        )
    else:
        alerts.resolve(SOURCE, "evaluation_late", "Usage", now=now)


def book(run: RunContext) -> RunOutcome:
    """Book the days of use that have ended, and corrections of booked ones."""
    booked, refused = booking.book_closed_days(run.now)
    if refused:
        words = f"Days that billing does not take: {len(refused):,}. {refused[0]}"
        alerts.raise_alert(
            SOURCE, "not_booked", "Usage", WARNING, words, link=upkeep.LINK, now=run.now
        )
    else:
        alerts.resolve(SOURCE, "not_booked", "Usage", now=run.now)
    more = f"; refused: {counted(len(refused), 'day')}, such as {refused[0]}" if refused else ""
    return RunOutcome(
        f"{counted(booked, 'day')} booked{more}.", (), {"refused": refused[:MAX_NAMED]}
    )


def maintain(run: RunContext) -> RunOutcome:
    """Compare rollups with events, delete what is old, make the coming months."""
    made = upkeep.keep_partitions(run.now)
    chooser = Random(run.planned_for.date().toordinal())  # noqa: S311 - which hours are compared
    check = upkeep.check_rollups(run.now, chooser)
    deleted = upkeep.delete_old(run.now)
    return RunOutcome(
        f"{counted(check.hours, 'hour')} compared, {check.differences} differ; "
        f"{counted(deleted, 'old row')} deleted; {counted(len(made), 'month')} made."
    )


AUTOMATIONS = (
    AutomationSpec("enterprise.usage_alerts", "Check usage against limits", sweep),
    AutomationSpec("enterprise.book_usage", "Book used days to billing", book),
    AutomationSpec("enterprise.check_usage", "Check and clean up usage", maintain),
)
