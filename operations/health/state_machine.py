"""From single observations to a confirmed state: one failed check is not an outage. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

HEALTHY, DEGRADED, UNHEALTHY, UNKNOWN = "healthy", "degraded", "unhealthy", "unknown"
OFF, NOT_LOOKED_AT = "off", "not_looked_at"  # nothing to check, and nobody who checks
UP, DOWN = "up", "down"  # confirmed states, beside UNKNOWN
STATUSES = (HEALTHY, DEGRADED, UNHEALTHY, UNKNOWN, OFF, NOT_LOOKED_AT)
JUDGED = (HEALTHY, DEGRADED, UNHEALTHY)  # what a sum of those that work is of
FAILURES_TO_DOWN = 3  # in a row
SUCCESSES_TO_UP = 2  # in a row
RECENT_CHECKS = 21  # stored for slowness and flapping
SLOW_WINDOW_CHECKS = 20
SLOW_UNTIL_SHARE = 0.8  # of the limit: a slow component is slow until it is below
FLAPPING_FROM_PERCENT, FLAPPING_UNTIL_PERCENT = 50.0, 25.0  # of possible changes
UNCONFIRMED_EXPLAINS = timedelta(minutes=10)  # a failing parent is looked at each 15 seconds
PARENT_GRACE = timedelta(minutes=3)  # after the parent is up again: children reconnect
NETWORK_ERROR_KINDS = frozenset({"dns", "connect", "timeout"})


@dataclass(frozen=True, slots=True)
class Observation:
    """One check of one component; `response_ms` on success, `error_kind` and `error` otherwise.

    `certificate` is from when to when the certificate is valid that it showed, if it showed one.
    """

    status: str
    response_ms: float | None = None
    error_kind: str = ""
    error: str = ""
    certificate: tuple[datetime, datetime] | None = None

    @property
    def works(self) -> bool:
        return self.status in {HEALTHY, DEGRADED}


@dataclass(frozen=True, slots=True)
class ComponentState:
    """The confirmed state, and how many latest observations in a row contradict it."""

    state: str = UNKNOWN
    contrary_count: int = 0
    contrary_since: datetime | None = None


def next_state(current: ComponentState, seen: Observation, at: datetime) -> ComponentState:
    """The state after one more observation; an unknown one changes nothing, and off ends it.

    The first success sets UP at once. After that FAILURES_TO_DOWN failures in a row confirm DOWN
    and SUCCESSES_TO_UP successes confirm UP; `contrary_since` of the result is then the time of
    the first of them.
    """
    if seen.status == OFF:
        return ComponentState()
    if seen.status == UNKNOWN:
        return current
    if seen.works != (current.state == DOWN):
        return ComponentState(UP if seen.works else DOWN)
    since = min(current.contrary_since or at, at) if current.contrary_count else at
    count = current.contrary_count + 1
    if count < (SUCCESSES_TO_UP if seen.works else FAILURES_TO_DOWN):
        return replace(current, contrary_count=count, contrary_since=since)
    return ComponentState(UP if seen.works else DOWN, 0, since)


def after_gap(
    current: ComponentState, last: datetime | None, at: datetime, max_gap: timedelta
) -> ComponentState:
    """The state for an observation at `at`: failures before a gap begin no outage.

    `last` is when it was looked at before; what it did in a longer time than `max_gap` is unknown.
    """
    if current.state == DOWN or last is None or at <= last + max_gap:
        return current
    return replace(current, contrary_count=0, contrary_since=None)


def is_slow(recent_ms: Sequence[float], limit_ms: float, *, was: bool) -> bool:
    """Whether the 95th percentile is over the limit, or SLOW_UNTIL_SHARE of it if it `was`."""
    if not recent_ms:
        return was
    ordered = sorted(recent_ms[-SLOW_WINDOW_CHECKS:])
    p95 = ordered[ceil(0.95 * len(ordered)) - 1]
    return p95 > limit_ms * (SLOW_UNTIL_SHARE if was else 1.0)


def is_flapping(worked: Sequence[bool], *, was: bool) -> bool:
    """Whether the component changes so often that a change carries no information.

    Changes over the last 21 observations, the oldest weighted 0.8 and the newest 1.2, in
    percent of the 20 possible; it starts at 50 and ends below 25 (as Nagios does).
    """
    latest = worked[-RECENT_CHECKS:]
    places = RECENT_CHECKS - 1
    offset = RECENT_CHECKS - len(latest)
    changed = sum(
        0.8 + 0.4 * (offset + place) / (places - 1)
        for place, (one, other) in enumerate(pairwise(latest))
        if one != other
    )
    return 100 * changed / places >= (FLAPPING_UNTIL_PERCENT if was else FLAPPING_FROM_PERCENT)


def is_own_network_down(
    outside: Iterable[tuple[str, bool, Observation]], least_hosts: int = 2
) -> bool:
    """Whether this machine's network has more likely failed than all targets at once.

    `outside` holds the host of each external target, whether it was up, and the observation.
    True if at least `least_hosts` were up and all of those fail by name, connection or timeout. A
    target that was down and answers shows too that the network works.
    """
    found = list(outside)
    hosts = {host for host, was_up, _ in found if was_up}
    return len(hosts) >= least_hosts and all(
        is_network_failure(seen) if was_up else not seen.works for _, was_up, seen in found
    )


def is_network_failure(seen: Observation) -> bool:
    """Whether it failed as it would if this machine had no network; an answer shows it has."""
    return seen.status == UNHEALTHY and seen.error_kind in NETWORK_ERROR_KINDS


def explains_children(parent: ComponentState, since: datetime | None, at: datetime) -> bool:
    """Whether the parent is down, up again for less than PARENT_GRACE, or has begun to fail.

    The last counts for UNCONFIRMED_EXPLAINS: one that can no longer be judged explains nothing.
    """
    if parent.state == DOWN:
        return True
    if parent.contrary_count:
        began = parent.contrary_since
        return began is None or at - began < UNCONFIRMED_EXPLAINS
    return parent.state == UP and since is not None and since <= at < since + PARENT_GRACE


def parents_first(parents: Mapping[int, int | None]) -> list[int]:
    """The keys of `parents` with each one's parent before it, if that is among them."""
    ordered: dict[int, None] = {}
    for one in sorted(parents):
        line: list[int] = []
        above: int | None = one
        while above is not None and above in parents:
            if above in ordered or above in line:
                break
            line.append(above)
            above = parents[above]
        ordered |= dict.fromkeys(reversed(line))
    return list(ordered)


def ringed(parents: Mapping[int, int | None]) -> set[int]:
    """The keys of `parents` that lead back to themselves.

    A ring is refused when it is saved, but two people may close one at the same moment.
    """
    found = set()
    for one in parents:
        above, seen = parents[one], {one}
        while above is not None and above not in seen:
            seen.add(above)
            above = parents.get(above)
        if above == one:
            found.add(one)
    return found


def overall(required: Iterable[str]) -> str:
    """The worst status of the required components; what is not known counts as DEGRADED.

    UNKNOWN where none of them was judged: nothing known is not healthy.
    """
    found = set(required)
    if UNHEALTHY in found:
        return UNHEALTHY
    if not found.intersection(JUDGED):
        return UNKNOWN
    return DEGRADED if found & {DEGRADED, UNKNOWN, NOT_LOOKED_AT} else HEALTHY
