"""Run checks: rounds over all components, and the watchdog over the vital ones.

One round runs at a time, in whichever process: it needs a lock in the database.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from aethercrown.background import PeriodicThread
from aethercrown.db import semaphore
from aethercrown.db.sealed import is_unreadable
from aethercrown.formatting import counted
from aethercrown.http.addresses import AddressRefused
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.health import probe, state_machine, targets
from operations.health.concurrent_checks import CheckFunction, CheckRunner
from operations.health.concurrent_checks import runner as default_runner
from operations.health.models import CheckLock, Component
from operations.health.registry import health_check_registry
from operations.health.reports import components as reports
from operations.health.services.components import (
    create_builtin_components,
    forget_unknown_checks,
)
from operations.health.services.record import ALERT_SOURCE, record_all
from operations.health.state_machine import (
    DEGRADED,
    DOWN,
    HEALTHY,
    NOT_LOOKED_AT,
    UNHEALTHY,
    UNKNOWN,
    UP,
    Observation,
)

ROUND, WATCHDOG = "round", "watchdog"  # the names of the locks
ROUND_FRESH_FOR = timedelta(seconds=10)  # in which no new round starts
ROUND_OVERDUE_AFTER = timedelta(minutes=5)  # beyond the interval: then the watchdog runs it
MAX_CLOCK_STEP = timedelta(minutes=1)  # a lease that ends later is of a clock that was ahead
LEASE_MARGIN = timedelta(seconds=30)  # of a lock's lease, beyond the deadline of the checks
WATCHDOG_SECONDS = 15.0
WATCHDOG_EVERY = timedelta(seconds=12)  # below WATCHDOG_SECONDS, so that one process keeps it
RECHECK_DOWN_EVERY = timedelta(seconds=60)
STORE_EVERY = timedelta(seconds=55)  # unchanged observations of the watchdog
MAX_WATCHDOG_COMPONENTS = 1_000
NEW, NEW_SECONDS = "new", 4.0  # the lock of first checks, and how often they are looked for
DUE_WITHIN = timedelta(seconds=7)  # half of the watchdog's interval
CHECK_NOW, MAX_CHECKS_NOW = "health checks of people", 2
MAX_WITNESSES = 3  # that are asked first, before this machine's own network is blamed
MAX_WITNESS_CANDIDATES = 50  # that are asked if these fail too
UNREADABLE = Observation(
    UNKNOWN, error_kind="unreadable", error="Its address cannot be decrypted: enter it again."
)
OWN_NETWORK = "the checker's own network"
Clock = Callable[[], datetime]


def acquire_lock(name: str, now: datetime, *, every: timedelta, lease: timedelta) -> bool:
    """Acquire the lock, unless it is held or was acquired less than `every` ago."""
    CheckLock.objects.get_or_create(name=name)
    leased = (now, now + lease + MAX_CLOCK_STEP)
    is_free = Q(lease_until=None) | ~Q(lease_until__range=leased)
    is_due = Q(acquired_at=None) | Q(acquired_at__lte=now - every)
    is_due |= Q(acquired_at__gt=now)  # the clock was set back
    rows = CheckLock.objects.filter(is_free & is_due, name=name)
    return rows.update(acquired_at=now, lease_until=now + lease) == 1


def release_lock(name: str, now: datetime, run_seconds: float) -> None:
    """Release the lock, and store how long the run took."""
    CheckLock.objects.filter(name=name).update(
        lease_until=None, released_at=now, run_seconds=run_seconds
    )


def run_round(*, clock: Clock = timezone.now, runner: CheckRunner = default_runner) -> bool:
    """Check every enabled component; False if a round is running or has just ended."""
    if not acquire_lock(ROUND, clock(), every=ROUND_FRESH_FOR, lease=_lease()):
        return False
    began = time.monotonic()
    try:
        create_builtin_components()
        forget_unknown_checks()
        check_components(Component.objects.filter(is_enabled=True), clock, runner)
    finally:
        release_lock(ROUND, clock(), time.monotonic() - began)
    return True


def _deadline_seconds() -> float:
    return float(settings.HEALTH_CHECK_TIMEOUT_SECONDS)


def _lease() -> timedelta:
    return timedelta(seconds=_deadline_seconds()) + LEASE_MARGIN


def check_and_report(
    *, clock: Clock = timezone.now, runner: CheckRunner = default_runner
) -> dict[str, Any]:
    """The report of a new round, or of one just run; unstored if the database is down."""
    try:
        run_round(clock=clock, runner=runner)
        return reports.latest_report()
    except (OperationalError, InterfaceError):
        began = time.monotonic()
        jobs = {each.name: each.observe for each in health_check_registry}
        seen = runner.run(jobs, _deadline_seconds())
        return reports.unstored_report(seen, clock(), time.monotonic() - began)


def run_watchdog(*, clock: Clock = timezone.now, runner: CheckRunner = default_runner) -> bool:
    """Check vital, undecided and down components, then an overdue round; False if just done."""
    now = clock()
    if not acquire_lock(WATCHDOG, now, every=WATCHDOG_EVERY, lease=_lease()):
        return False
    began = time.monotonic()
    try:
        create_builtin_components()
        check_components(watchdog_components(now), clock, runner, store_every=STORE_EVERY)
    finally:
        release_lock(WATCHDOG, clock(), time.monotonic() - began)
    if is_round_overdue(clock()):
        run_round(clock=clock, runner=runner)
    return True


def watchdog_components(now: datetime) -> QuerySet[Component]:
    """The enabled components that the watchdog checks now."""
    vital = [each.name for each in health_check_registry if each.is_vital]
    is_recheck = Q(checked_at=None) | Q(checked_at__lte=now - RECHECK_DOWN_EVERY)
    is_recheck |= Q(checked_at__gt=now)  # the clock was set back
    grace = (now - state_machine.PARENT_GRACE, now)
    parent_is_back = Q(parent__state=UP, parent__state_since__range=grace)
    failing = Component.objects.filter(is_enabled=True, contrary_count__gt=0).exclude(state=DOWN)
    chosen = (
        Q(name__in=vital)
        | Q(contrary_count__gt=0)
        | Q(state=DOWN) & (is_recheck | parent_is_back)
        | Q(kind=Component.Kind.BUILTIN, status=UNKNOWN)  # such as a worker that has just started
        | Q(status__in=[UNKNOWN, NOT_LOOKED_AT]) & is_recheck  # all, while the network is down
        | Q(pk__in=due_components(now))
        | Q(pk__in=failing.values("parent"))  # whose own failure would explain it
    )
    rows = Component.objects.filter(chosen, is_enabled=True)
    first = F("checked_at").asc(nulls_first=True)  # so that each has its turn
    return rows.order_by("-contrary_count", first, "pk")[:MAX_WATCHDOG_COMPONENTS]


def due_components(now: datetime) -> list[int]:
    """Enabled components with an interval of their own that has passed."""
    rows = Component.objects.filter(is_enabled=True, check_every_seconds__isnull=False)
    timed = rows.only("checked_at", "check_every_seconds")
    return [each.pk for each in timed if each.is_due(now, DUE_WITHIN)]


def check_new(*, clock: Clock = timezone.now, runner: CheckRunner = default_runner) -> int:
    """Check components that nobody has looked at yet; how many. Called every few seconds."""
    rows = Component.objects.filter(is_enabled=True, checked_at=None)
    new = [each for each in rows[:MAX_WATCHDOG_COMPONENTS] if check_function(each)]
    every = timedelta(seconds=NEW_SECONDS / 2)
    if not new or not acquire_lock(NEW, clock(), every=every, lease=_lease()):
        return 0
    began = time.monotonic()
    try:
        check_components(new, clock, runner)
    finally:
        release_lock(NEW, clock(), time.monotonic() - began)
    return len(new)


def check_now(
    component_id: int, *, clock: Clock = timezone.now, runner: CheckRunner = default_runner
) -> Component:
    """The component after a check, as staff ask for.

    Few at once, because each holds a thread of a web process up to its deadlines. Raises
    CheckedJustNow, NothingToCheck and TooManyChecks.
    """
    now = clock()  # first: what another process records from now on is not counted twice
    component = Component.objects.get(pk=component_id)
    last = component.checked_at
    if not component.is_enabled or check_function(component) is None:
        raise NothingToCheck(f"{component} is not checked: it is off, or no check is known.")
    if last is not None and timedelta(0) <= now - last < ROUND_FRESH_FOR:
        raise CheckedJustNow(f"{component} was checked just now: {component.status}.")
    lease = 3 * _deadline_seconds() + LEASE_MARGIN.total_seconds()  # of the check and its witnesses
    with semaphore.slots({CHECK_NOW: MAX_CHECKS_NOW}, lease) as full:
        if full:
            raise TooManyChecks("Other checks are under way; try again in some seconds.")
        check_components([component], clock, runner, began=now)
    component.refresh_from_db()
    if component.checked_at == last:
        raise CheckedJustNow(f"{component} is being checked at this moment; look again soon.")
    return component


class CheckedJustNow(Exception):
    """It is being checked, or was so recently that another check would count a failure twice."""


class TooManyChecks(Exception):
    """As many people as may are waiting for a check at this moment."""


class NothingToCheck(Exception):
    """The component is off, or no app of this platform knows how to check it."""


def is_round_overdue(now: datetime) -> bool:
    """Whether the last round is older than the interval and ROUND_OVERDUE_AFTER."""
    last = CheckLock.objects.filter(name=ROUND).values_list("acquired_at", flat=True).first()
    limit = timedelta(hours=settings.HEALTH_CHECK_INTERVAL_HOURS) + ROUND_OVERDUE_AFTER
    return last is None or not timedelta(0) <= now - last <= limit


def check_components(
    components: Iterable[Component],
    clock: Clock,
    runner: CheckRunner,
    *,
    began: datetime | None = None,
    store_every: timedelta | None = None,
) -> None:
    """Check all of them concurrently, and record the observations.

    A witness speaks for the network alone: its failure counts at its own time, not more often.
    """
    began, chosen = began or clock(), list(components)
    seen = observe(chosen, runner)
    chosen = [each for each in chosen if each.name in seen]
    due = {each.pk for each in chosen}
    ask_witnesses(chosen, seen, runner)
    at = clock()
    seen = without_own_network_failure(chosen, seen, at)
    by_id = {each.pk: seen[each.name] for each in chosen}
    counted_now = {
        pk: found for pk, found in by_id.items() if pk in due or found.status != UNHEALTHY
    }
    record_all(counted_now, at, began=began, store_every=store_every)


def observe(components: Iterable[Component], runner: CheckRunner) -> dict[str, Observation]:
    """The observation of each by its name, but of checks that no app registers any more."""
    jobs = {each.name: found for each in components if (found := check_function(each))}
    return runner.run(jobs, _deadline_seconds()) if jobs else {}


def ask_witnesses(
    chosen: list[Component], seen: dict[str, Observation], runner: CheckRunner
) -> None:
    """Where all external targets fail as without a network, ask others too, or these again.

    Up to MAX_WITNESSES on other hosts that answered last, then the others; adds what they are and
    say to `chosen` and `seen`. If one answers, each target is judged by itself.
    """
    known = len(chosen)
    for most in (MAX_WITNESSES, MAX_WITNESS_CANDIDATES):
        if is_own_network_down(chosen, seen, least_hosts=1):
            found = choose_witnesses(chosen, most)
            answers = observe(found, runner)
            seen |= answers
            chosen += [each for each in found if each.name in answers]
    if len(chosen) == known and is_own_network_down(chosen, seen):
        again = [each for each in chosen if each.kind != Component.Kind.BUILTIN]
        seen |= observe([each for each in again if each.state == UP][:MAX_WITNESSES], runner)


def choose_witnesses(failing: Sequence[Component], most: int) -> list[Component]:
    """Up to `most` targets on other hosts that were up, one a host, those that answered last first.

    Then those of which the network let nothing be known: they speak for it as well.
    """
    hosts = {host_of(each) for each in failing}
    rows = Component.objects.filter(is_enabled=True, state=UP).exclude(kind=Component.Kind.BUILTIN)
    others = rows.order_by("-checked_at", "pk")
    known = others.filter(status__in=[HEALTHY, DEGRADED])[:MAX_WITNESS_CANDIDATES]
    unknown = others.filter(status=UNKNOWN)[:MAX_WITNESS_CANDIDATES]
    found: dict[str, Component] = {}
    for each in (*known, *unknown):
        if (host := host_of(each)) not in hosts:
            found.setdefault(host, each)
    return list(found.values())[:most]


def check_function(component: Component) -> CheckFunction | None:
    """The function that checks a component; None if no app registers the check any more."""
    if component.kind == Component.Kind.BUILTIN:
        is_known = component.name in health_check_registry
        return health_check_registry.get(component.name).observe if is_known else None
    if is_unreadable(component.target):
        return lambda _seconds: UNREADABLE
    try:
        return partial(probe.probe, component.probe_target)
    except AddressRefused:
        return lambda _seconds: probe.failed("blocked")


def without_own_network_failure(
    components: Sequence[Component], seen: Mapping[str, Observation], at: datetime
) -> dict[str, Observation]:
    """The observations; those of external targets become unknown if our own network is down."""
    outside = [each for each in components if each.kind != Component.Kind.BUILTIN]
    if not is_own_network_down(components, seen):
        if is_network_cleared(outside, seen):
            alerts.resolve(ALERT_SOURCE, "network", OWN_NETWORK, now=at)
        return dict(seen)
    words = (
        f"All {len(outside)} external targets that were asked failed at once, though some had "
        "just answered: this machine's network is down. None is judged until one answers."
    )
    alerts.raise_alert(
        ALERT_SOURCE, "network", OWN_NETWORK, "high", words, link=reports.PAGE, now=at
    )
    unknown = Observation(UNKNOWN, error_kind="network", error="The checker's own network is down.")
    return {**seen, **{each.name: unknown for each in outside}}


def is_network_cleared(outside: Iterable[Component], seen: Mapping[str, Observation]) -> bool:
    """Whether nothing is excused by the network any more: one is judged, or none is left."""
    for each in outside:
        found = seen[each.name]
        if found.works or (each.state == UP and found.status in state_machine.JUDGED):
            return True
    left = Component.objects.filter(is_enabled=True, state=UP)
    return not left.exclude(kind=Component.Kind.BUILTIN).exists()


def is_own_network_down(
    components: Iterable[Component], seen: Mapping[str, Observation], least_hosts: int = 2
) -> bool:
    """Whether all external targets among these fail as without a network."""
    outside = [each for each in components if each.kind != Component.Kind.BUILTIN]
    facts = [(host_of(each), each.state == UP, seen[each.name]) for each in outside]
    return state_machine.is_own_network_down(facts, least_hosts)


def host_of(component: Component) -> str:
    """The host of its target, or its name if the target may not be called."""
    try:
        target = component.probe_target
        return targets.parse_target(target.kind, target.target, target.allowed).host
    except AddressRefused:
        return component.name


def perform(context: RunContext) -> RunOutcome:
    """The automation: run a round; a summary of what is unhealthy."""
    rows = Component.objects.filter(is_enabled=True)
    if context.dry_run:
        return RunOutcome(f"Would check {counted(rows.count(), 'component')}.")
    was_run = run_round()
    states = list(rows.values_list("status", flat=True))
    bad = list(rows.filter(status=state_machine.UNHEALTHY).values_list("name", flat=True))
    words = f"{counted(len(states), 'component')}, {len(bad)} unhealthy"
    words = f"{words}: {', '.join(bad[:10])}." if bad else f"{words}."
    summary = words if was_run else f"A round has just been run: {words}"
    return RunOutcome(summary, detail={"bad": bad})


AUTOMATIONS = (AutomationSpec("operations.check_health", "Check the platform's health", perform),)
new_components = PeriodicThread(check_new, NEW_SECONDS, "first health checks")
watchdog = PeriodicThread(run_watchdog, WATCHDOG_SECONDS, "health watchdog")
