"""Clocks: open, pause, resume, retarget, stop; each is one transaction under the clock's lock.

Before a clock pauses, stops or gets a new target, what it has reached is recorded: the sweep would
come too late for it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from aethercrown.history.attribution import current_actor
from aethercrown.transitions import InvalidTransition
from enterprise.sla import reports, timeline
from enterprise.sla.models import CalendarVersion, SlaBreach, SlaClock, SlaClockEvent
from enterprise.sla.timeline import Timeline
from operations.alerts import services as alerts

ALERT_SOURCE = "sla"
BREACH = 100  # percent


@dataclass(frozen=True, slots=True)
class ClockStart:
    """What a new clock measures, for whom and by which calendar."""

    kind: str
    subject: str
    title: str
    target: timedelta
    calendar_version: CalendarVersion
    zone: str
    customer_id: int | None = None
    tier: str = ""


@transaction.atomic
def open_clock(start: ClockStart, now: datetime) -> SlaClock:
    """Start a clock; one that exists for this kind and subject is returned as it is."""
    if start.target <= timeline.NONE:
        raise ValueError(f"The target of {start.title} is {start.target}: must be above 0.")
    clock, is_new = SlaClock.objects.get_or_create(
        kind=start.kind,
        subject=start.subject,
        defaults={
            "customer_id": start.customer_id,
            "title": start.title[:200],
            "tier": start.tier,
            "zone": start.zone,
            "target": start.target,
            "calendar_version": start.calendar_version,
            "started_at": now,
        },
    )
    if is_new:
        append(clock, timeline.START, now)
        record_reached(clock, now)
    return clock


@transaction.atomic
def reopen_clock(clock_id: int, now: datetime, start: ClockStart | None = None) -> SlaClock:
    """Start a stopped clock anew: a new generation, with nothing elapsed and nothing sent.

    With `start` it takes over the target, the calendar and the tier of that.
    """
    clock = lock_clock(clock_id)
    if clock.state != SlaClock.State.STOPPED:
        raise InvalidTransition(f"{clock} is {clock.state}; only a stopped clock is opened again.")
    clock.generation += 1
    clock.target_version = 1
    clock.state, clock.outcome = SlaClock.State.RUNNING, SlaClock.Outcome.OPEN
    clock.started_at, clock.stopped_at, clock.judged_at = now, None, None
    if start is not None:
        clock.target, clock.calendar_version = start.target, start.calendar_version
        clock.tier = start.tier
    append(clock, timeline.START, now)
    record_reached(clock, now)
    return clock


def pause_clock(clock_id: int, now: datetime, reason: str = "") -> SlaClock:
    """Stop counting, as while the customer is waited for; a paused clock stays as it is."""
    return _step(clock_id, timeline.PAUSE, now, reason, unless=SlaClock.State.PAUSED)


def resume_clock(clock_id: int, now: datetime, reason: str = "") -> SlaClock:
    """Count again; a running clock stays as it is."""
    return _step(clock_id, timeline.RESUME, now, reason, unless=SlaClock.State.RUNNING)


def stop_clock(clock_id: int, now: datetime, reason: str = "") -> SlaClock:
    """End it, which says whether the target was met; a stopped clock stays as it is."""
    return _step(clock_id, timeline.STOP, now, reason, unless=SlaClock.State.STOPPED)


@transaction.atomic
def cancel_clock(clock_id: int, now: datetime, reason: str = "") -> SlaClock:
    """End a clock whose work is not wanted any more: not judged, unless it was breached before."""
    clock = lock_clock(clock_id)
    if clock.state == SlaClock.State.STOPPED:
        return clock
    clock = stop_clock(clock_id, now, reason)
    if clock.outcome == SlaClock.Outcome.MET:
        clock.outcome = SlaClock.Outcome.CANCELLED
        clock.save(update_fields=["outcome"])
    return clock


@transaction.atomic
def retarget_clock(
    clock_id: int, target: timedelta, now: datetime, reason: str = "", *, tier: str | None = None
) -> SlaClock:
    """Change the target; elapsed time and pauses stay.

    A breach of the earlier target stays, marked as superseded. What the new target has passed
    already and no earlier one sent is recorded now. Raises InvalidTransition for a stopped clock.
    """
    if target <= timeline.NONE:
        raise ValueError(f"The target is {target}: must be above 0.")
    clock = lock_clock(clock_id)
    if clock.state == SlaClock.State.STOPPED:
        raise InvalidTransition(f"{clock} is stopped; its target cannot change.")
    record_reached(clock, now)
    clock.breaches.filter(
        generation=clock.generation, threshold__gte=BREACH, state=SlaBreach.State.IN_FORCE
    ).update(state=SlaBreach.State.SUPERSEDED)
    clock.target, clock.target_version = target, clock.target_version + 1
    clock.tier = clock.tier if tier is None else tier
    append(clock, timeline.RETARGET, now, reason)
    record_reached(clock, now)
    return clock


def lock_clock(clock_id: int) -> SlaClock:
    """The clock, locked until the transaction ends."""
    return SlaClock.objects.select_for_update().get(pk=clock_id)


def append(
    clock: SlaClock,
    kind: str,
    now: datetime,
    reason: str = "",
    *,
    counts_from: datetime | None = None,
    decision_id: int | None = None,
) -> SlaClockEvent:
    """Store an event of a locked clock, with the target or the calendar that it brings."""
    brings_target = kind in (timeline.START, timeline.RETARGET)
    brings_calendar = kind in (timeline.START, timeline.RECALENDAR)
    return SlaClockEvent.objects.create(
        clock=clock,
        generation=clock.generation,
        kind=kind,
        at=now,
        target=clock.target if brings_target else None,
        calendar_version=clock.calendar_version if brings_calendar else None,
        counts_from=(counts_from or now) if brings_calendar else None,
        reason=reason[:300],
        actor=current_actor().actor,
        decision_id=decision_id,
    )


def record_reached(clock: SlaClock, now: datetime) -> list[SlaBreach]:
    """Record each threshold that a locked clock has reached and not recorded; send the highest.

    Also stores what queries need: state, due date, next threshold and outcome.
    """
    found = reports.timelines([clock])[clock.pk]
    severities = reports.thresholds(clock.kind)
    recorded, before = _sent(clock)
    open_ones = timeline.open_thresholds(found, list(severities), recorded, before)
    reached = timeline.passed(found, open_ones, now)
    breaches = [_record(clock, found, each, now) for each in reached]
    if breaches:
        breaches[-1].is_sent = True
        breaches[-1].save(update_fields=["is_sent"])
        _alert(clock, found, reached[-1], severities[reached[-1]], now)
    left = [each for each in open_ones if each not in reached]
    _store(clock, found, left, now)
    return breaches


def _sent(clock: SlaClock) -> tuple[set[int], set[int]]:
    """The thresholds recorded for the target in force, and those of earlier targets."""
    rows = clock.breaches.filter(generation=clock.generation)
    known = rows.exclude(state=SlaBreach.State.WITHDRAWN)
    pairs = list(known.values_list("target_version", "threshold"))
    now = {threshold for version, threshold in pairs if version == clock.target_version}
    return now, {threshold for version, threshold in pairs if version != clock.target_version}


def _record(clock: SlaClock, found: Timeline, threshold: int, now: datetime) -> SlaBreach:
    amount = timeline.threshold_time(found.target, threshold)
    return SlaBreach.objects.create(
        clock=clock,
        generation=clock.generation,
        target_version=clock.target_version,
        threshold=threshold,
        reached_at=found.reached_at(amount, now) or now,
        recorded_at=now,
    )


def _alert(clock: SlaClock, found: Timeline, threshold: int, severity: str, now: datetime) -> None:
    """One alert for each threshold of a target; it is written in this transaction."""
    word = "breached" if threshold >= BREACH else f"at {threshold}% of its target"
    elapsed = found.elapsed(now) // timedelta(minutes=1)
    target = found.target // timedelta(minutes=1)
    alerts.raise_alert(
        ALERT_SOURCE,
        f"threshold {threshold}",
        clock.title,
        severity,
        f"{clock.title} is {word}: {_hours(elapsed)} of {_hours(target)} of support time are used.",
        key=alert_key(clock, clock.target_version, threshold),
        link=f"/dashboards/sla/clocks/{clock.pk}",
        now=now,
    )


def _hours(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes % 60 else f"{minutes // 60} h"


def alert_key(clock: SlaClock, version: int, threshold: int) -> str:
    return f"clock {clock.pk}.{clock.generation}.{version}.{threshold}"


def _store(clock: SlaClock, found: Timeline, left: Collection[int], now: datetime) -> None:
    outcomes = SlaClock.Outcome
    clock.state = SlaClock.State(found.state)
    clock.due_at = found.due_at(now)
    clock.next_threshold_at = timeline.next_threshold_at(found, list(left), now)
    is_over = found.elapsed(now) >= found.target
    clock.outcome, clock.judged_at = outcomes.OPEN, None
    if is_over:
        clock.outcome, clock.judged_at = outcomes.BREACHED, found.reached_at(found.target, now)
    elif clock.state == SlaClock.State.STOPPED:
        clock.outcome, clock.judged_at = outcomes.MET, clock.stopped_at
    clock.save()


@transaction.atomic
def _step(
    clock_id: int, kind: str, now: datetime, reason: str, *, unless: SlaClock.State
) -> SlaClock:
    clock = lock_clock(clock_id)
    if clock.state == unless:
        return clock
    if kind not in timeline.ALLOWED.get(clock.state, ()):
        raise InvalidTransition(f"{clock} is {clock.state}: it does not {kind}.")
    record_reached(clock, now)
    if kind == timeline.STOP:
        clock.stopped_at = now
    append(clock, kind, now, reason)
    record_reached(clock, now)
    if kind == timeline.STOP:
        _resolve_alerts(clock, now)
    return clock


def _resolve_alerts(clock: SlaClock, now: datetime) -> None:
    sent = clock.breaches.filter(generation=clock.generation, is_sent=True)
    for version, threshold in sent.values_list("target_version", "threshold"):
        key = alert_key(clock, version, threshold)
        alerts.resolve(ALERT_SOURCE, f"threshold {threshold}", key, now=now)
