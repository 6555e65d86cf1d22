"""Looking, and keeping what was seen: rounds, the watch, outages, and history.

One round at a time, whoever asks: a turn is taken by compare-and-set. Looks are noted in short
transactions that hold their components, so that two processes never open one outage twice.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from aethercrown.background import PeriodicThread
from aethercrown.http.addresses import Refused
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.health import probe, registry, reports, state_machine
from operations.health.concurrent_checks import Board, Job, board
from operations.health.models import OWN, Check, Component, Incident, Turn
from operations.health.state_machine import DOWN, UNKNOWN, UP, Observation, Standing

ROUND, WATCH = "round", "watch"
FRESH = timedelta(seconds=10)  # a round this young answers for a new one
WATCH_SECONDS = 15.0
WATCHED_EACH = timedelta(seconds=12)  # below the rhythm, so that one process keeps it
DOWN_AGAIN_EACH = timedelta(seconds=60)
KEPT_EACH = timedelta(seconds=55)  # looks of the watch that are kept as rows
OVERDUE = timedelta(minutes=5)  # after its time a round that no task did is done by the watch
SPARE = timedelta(seconds=30)  # of a turn's lease, beyond the deadline
REOPENED = timedelta(minutes=10)
MOST_WATCHED = 200
AT_ONCE = 100  # components noted in one transaction
SOURCE = "health"
NETWORK = "the checker's own network"
Clock = Callable[[], datetime]


# --- Whose turn -------------------------------------------------------------------------------
def take(name: str, now: datetime, every: timedelta, length: timedelta) -> bool:
    """Take the turn, unless somebody has it or had it less than `every` ago."""
    Turn.objects.get_or_create(name=name)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    rested = Q(taken_at=None) | Q(taken_at__lte=now - every) | Q(taken_at__gt=now)
    taken = Turn.objects.filter(free & rested, name=name)
    return taken.update(taken_at=now, lease_until=now + length) == 1


def give_back(name: str, now: datetime, seconds: float) -> None:
    Turn.objects.filter(name=name).update(lease_until=None, done_at=now, seconds=seconds)


def deadline() -> float:
    return float(settings.HEALTH_CHECK_TIMEOUT_SECONDS)


# --- Entering ---------------------------------------------------------------------------------
class Taken(Exception):
    """The name belongs to a component of another kind."""


def enter(name: str, given: Mapping[str, Any]) -> tuple[Component, bool]:
    """Store a target, and say whether it is new; ValidationError where it may not be called."""
    Component(name=name, **given).full_clean(validate_unique=False)
    found, is_new = Component.objects.get_or_create(name=name, defaults=given)
    if any(getattr(found, field) != value for field, value in given.items()):
        raise Taken(f"There is a component {name} already, with other values.")
    return found, is_new


# --- Looking ----------------------------------------------------------------------------------
def check(*, clock: Clock = timezone.now, on: Board = board) -> bool:
    """One round over everything that is on; False where one is under way or just done."""
    if not take(ROUND, clock(), FRESH, timedelta(seconds=deadline()) + SPARE):
        return False
    began = time.monotonic()
    try:
        enrol()
        look_at(Component.objects.filter(is_enabled=True), clock, on)
    finally:
        give_back(ROUND, clock(), time.monotonic() - began)
    return True


def report(*, clock: Clock = timezone.now, on: Board = board) -> dict[str, Any]:
    """Look at everything, or take the look just done; without a database, of memory alone."""
    try:
        check(clock=clock, on=on)
        return reports.report()
    except (OperationalError, InterfaceError):
        began = time.monotonic()
        seen = on.perform([Job(each.name, each.look) for each in registry.parts()], deadline())
        return reports.unstored(seen, clock(), time.monotonic() - began)


def report_aside() -> dict[str, Any]:
    """The report for a thread that keeps no connection."""
    try:
        return report()
    finally:
        connection.close()


def enrol() -> None:
    """Give every registered part its component; what staff changed there stays."""
    parts = registry.parts()
    known = set(Component.objects.filter(kind=Component.Kind.PART).values_list("name", flat=True))
    new = [each for each in parts if each.name not in known]
    for part in new:
        Component.objects.get_or_create(
            name=part.name,
            defaults={"kind": Component.Kind.PART, "is_required": part.is_required},
        )
    for part in new:
        if part.parent:
            parent = Component.objects.filter(name=part.parent).first()
            component = Component.objects.get(name=part.name)
            component.parent = parent
            component.save(update_fields=["parent"])


def watch(*, clock: Clock = timezone.now, on: Board = board) -> bool:
    """Look at the vital parts and at what is undecided or down; False where another does.

    Does a whole round too, where its time is over and no task has done it.
    """
    now = clock()
    if not take(WATCH, now, WATCHED_EACH, timedelta(seconds=deadline()) + SPARE):
        return False
    began = time.monotonic()
    try:
        enrol()
        look_at(watched(now), clock, on, every=KEPT_EACH)
    finally:
        give_back(WATCH, clock(), time.monotonic() - began)
    if is_overdue(clock()):
        check(clock=clock, on=on)
    return True


def watched(now: datetime) -> QuerySet[Component]:
    vital = [each.name for each in registry.parts() if each.is_vital]
    again = Q(state=DOWN) & (Q(checked_at=None) | Q(checked_at__lte=now - DOWN_AGAIN_EACH))
    unknown = Q(kind=Component.Kind.PART, status=UNKNOWN)  # a worker that has just started
    freed = Q(state=DOWN, parent__state=UP, parent__since__gt=now - state_machine.RESPITE)
    chosen = Q(name__in=vital) | Q(against__gt=0) | again | unknown | freed
    return Component.objects.filter(chosen, is_enabled=True).order_by("-against", "pk")[
        :MOST_WATCHED
    ]


def is_overdue(now: datetime) -> bool:
    """Whether the last round is older than the interval, and some."""
    last = Turn.objects.filter(name=ROUND).values_list("taken_at", flat=True).first()
    limit = timedelta(hours=settings.HEALTH_CHECK_INTERVAL_HOURS) + OVERDUE
    return last is None or now - last > limit


def look_at(
    components: Iterable[Component], clock: Clock, on: Board, every: timedelta | None = None
) -> None:
    """Look at all of them side by side, and note what was seen."""
    chosen = list(components)
    parts = {each.name: each for each in registry.parts()}
    jobs = [Job(each.name, found) for each in chosen if (found := look_of(each, parts))]
    seen = on.perform(jobs, deadline())
    at = clock()
    seen = spared(chosen, seen, at)
    note_all({each.pk: seen[each.name] for each in chosen if each.name in seen}, at, every=every)


def look_of(
    component: Component, parts: Mapping[str, registry.Part]
) -> Callable[[float], Observation] | None:
    """How to look at a component; None for a part that no app registers any more."""
    if component.kind == Component.Kind.PART:
        part = parts.get(component.name)
        return part.look if part else None
    try:
        return partial(probe.look, component.looked_at)
    except Refused:
        return blocked


def blocked(_seconds: float) -> Observation:
    return probe.failed("blocked")


def spared(
    components: Sequence[Component], seen: Mapping[str, Observation], at: datetime
) -> dict[str, Observation]:
    """What was seen, without blaming the targets where our own network is gone."""
    outside = [each for each in components if each.kind != Component.Kind.PART]
    facts = [(host_of(each), each.state == UP, seen[each.name]) for each in outside]
    if not state_machine.own_fault(facts):
        if any(found.works for _, _, found in facts):
            alerts.resolve(SOURCE, "network", NETWORK, now=at)
        return dict(seen)
    words = f"All {len(facts)} external targets failed at once: this machine's network is down."
    alerts.raise_alert(SOURCE, "network", NETWORK, "high", words, link=reports.PAGE, now=at)
    unknown = Observation(UNKNOWN, kind="network", error="The checker's own network is down.")
    return {**seen, **{each.name: unknown for each in outside}}


def host_of(component: Component) -> str:
    try:
        return probe.hosts([component.looked_at])[0]
    except Refused:
        return component.name


# --- Noting -----------------------------------------------------------------------------------
def note_all(
    seen: Mapping[int, Observation], at: datetime, *, every: timedelta | None = None
) -> None:
    """Note what was seen of each component, by its id; parents first, for `tell`.

    What is gone or off by now is passed over. With `every`, a look that says nothing new is kept
    as a row only that often.
    """
    first = F("parent").asc(nulls_first=True)
    rows = Component.objects.filter(pk__in=seen).order_by(first, "pk")
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), AT_ONCE):
        note_some({each: seen[each] for each in ids[start : start + AT_ONCE]}, at, every)


@transaction.atomic
def note_some(seen: Mapping[int, Observation], at: datetime, every: timedelta | None) -> None:
    """Note a few observations in one transaction that holds their components."""
    held = Component.objects.select_for_update().filter(pk__in=seen, is_enabled=True)
    components = list(held.order_by("pk"))
    kept = [each for each in components if is_kept(each, seen[each.pk], at, every)]
    for component in kept:
        component.kept_at = at
    Check.objects.bulk_create([row(each, seen[each.pk], at) for each in kept])
    changed = [each for each in components if noted(each, seen[each.pk], at)]
    Component.objects.bulk_create(  # an update of many rows that are held and so exist
        components, update_conflicts=True, unique_fields=["id"], update_fields=OWN
    )
    excused = parents_to_blame(components, at)
    for component in components:
        is_hushed = component.parent_id in excused
        tell(component, at, changed=component in changed, is_hushed=is_hushed)


def is_kept(component: Component, seen: Observation, at: datetime, every: timedelta | None) -> bool:
    """Whether the look becomes a row of history."""
    is_news = component.status != seen.status or not seen.works
    return is_news or every is None or component.kept_at is None or at - component.kept_at >= every


def row(component: Component, seen: Observation, at: datetime) -> Check:
    status = seen.status
    if component.is_maintained(at) and not seen.works:
        status = Check.Status.MAINTENANCE
    return Check(
        component=component,
        at=at,
        status=status,
        ms=seen.ms,
        kind=seen.kind,
        error=seen.error[:300],
    )


def noted(component: Component, seen: Observation, at: datetime) -> bool:
    """Take one observation into the component; True where an alert may have to end for it."""
    if component.is_maintained(at) and not seen.works:
        seen = Observation(UNKNOWN, seen.ms, seen.kind, seen.error)
    was_flapping, before = component.is_flapping, component.standing
    remember(component, seen, at)
    settle(component, before, state_machine.step(before, seen, at), seen, at)
    return was_flapping or before.state != component.state


def parents_to_blame(components: Sequence[Component], at: datetime) -> set[int | None]:
    """The parents whose own trouble explains what is wrong with their children now."""
    parents = {each.parent_id for each in components if each.parent_id is not None}
    if not parents:
        return set()
    rows = Component.objects.filter(pk__in=parents)
    return {each.pk for each in rows if each.is_to_blame(at)}


def remember(component: Component, seen: Observation, at: datetime) -> None:
    """What the component itself shows: the latest, whether it is slow, whether it flaps."""
    if seen.status != UNKNOWN:
        mine = [*component.recent, seen.ms if seen.works else None]
        component.recent = mine[-state_machine.REMEMBERED :]
    times = [each for each in component.recent if each is not None]
    component.is_slow = state_machine.slow(times, component.slow_ms, was=component.is_slow)
    worked = [each is not None for each in component.recent]
    component.is_flapping = state_machine.flaps(worked, was=component.is_flapping)
    component.status, component.error = seen.status, seen.error[:300]
    if seen.status == state_machine.HEALTHY and component.is_slow:
        component.status = state_machine.DEGRADED
        component.error = f"The 95th percentile is over {component.slow_ms} ms."
    component.last_ms, component.checked_at = seen.ms, at


def settle(
    component: Component, before: Standing, after: Standing, seen: Observation, at: datetime
) -> None:
    """Put the new standing in force, and open or end the incident that it means."""
    component.state = after.state
    component.against, component.against_since = after.against, after.against_since
    if before.state == after.state:
        return
    began = after.against_since or at
    component.since = began
    if after.state == DOWN:
        opened(component, seen, began, at)
    elif before.state == DOWN:
        component.incidents.filter(ended_at=None).update(ended_at=began, ending="recovered")


def opened(component: Component, seen: Observation, began: datetime, at: datetime) -> None:
    """The incident of this outage: the last one again, where that ended just before."""
    again = component.incidents.filter(ended_at__gte=began - REOPENED).first()
    if again is not None:
        component.incidents.filter(pk=again.pk).update(ended_at=None, ending="")
        return
    Incident.objects.create(
        component=component,
        started_at=began,
        confirmed_at=at,
        kind=seen.kind,
        error=component.error,
    )


def tell(component: Component, at: datetime, *, changed: bool, is_hushed: bool) -> None:
    """Raise the alert of what is down, and end that of what is back for good.

    One whose parent is to blame adds nothing; it is told of later, if it is still down then.
    """
    if component.state == DOWN and component.status == state_machine.UNHEALTHY and not is_hushed:
        grave = "critical" if component.is_required else "high"
        words = f"{component.name} is down since {component.since:%Y-%m-%d %H:%M} UTC"
        words = f"{words}: {component.error}" if component.error else f"{words}."
        alerts.raise_alert(SOURCE, "down", component.name, grave, words, link=reports.PAGE, now=at)
    elif component.state != DOWN and changed and not component.is_flapping:
        alerts.resolve(SOURCE, "down", component.name, now=at)


@transaction.atomic
def retire(component_id: int, now: datetime) -> None:
    """End what is open of a component that is switched off or deleted."""
    component = Component.objects.select_for_update().get(pk=component_id)
    component.incidents.filter(ended_at=None).update(ended_at=now, ending="removed")
    Component.objects.filter(pk=component_id).update(
        state=UNKNOWN, status=UNKNOWN, against=0, against_since=None, since=None, error=""
    )
    alerts.resolve(SOURCE, "down", component.name, now=now)


@transaction.atomic
def end_maintenance(components: QuerySet[Component], now: datetime) -> int:
    """Look again at those of `components` that are in maintenance; how many."""
    held = components.filter(maintenance_until__gt=now).select_for_update(of=("self",))
    for component in held:
        component.maintenance_until = None
        component.save(update_fields=["maintenance_until"])
    return len(held)


# --- By itself --------------------------------------------------------------------------------
def perform(context: RunContext) -> RunOutcome:
    """The automation: one round, and what it found in a sentence."""
    rows = Component.objects.filter(is_enabled=True)
    if context.dry_run:
        return RunOutcome(f"Would look at {rows.count()} components.")
    done = check()
    states = list(rows.values_list("status", flat=True))
    bad = list(rows.filter(status=state_machine.UNHEALTHY).values_list("name", flat=True))
    words = f"{len(states)} components, {len(bad)} unhealthy"
    words = f"{words}: {', '.join(bad[:10])}." if bad else f"{words}."
    return RunOutcome(words if done else f"A round was just done: {words}", detail={"bad": bad})


def watch_aside() -> None:
    """The watch as its thread calls it, which keeps no connection between two turns."""
    try:
        watch()
    finally:
        connection.close()


AUTOMATIONS = (AutomationSpec("operations.check_health", "Check the platform's health", perform),)
watcher = PeriodicThread(watch_aside, WATCH_SECONDS, "health watch")
