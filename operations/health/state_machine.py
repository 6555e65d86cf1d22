"""From single observations to a confirmed state: an outage is no single failed check."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

HEALTHY, DEGRADED, UNHEALTHY, UNKNOWN = "healthy", "degraded", "unhealthy", "unknown"
UP, DOWN = "up", "down"  # confirmed states, beside UNKNOWN
STATUSES = (HEALTHY, DEGRADED, UNHEALTHY, UNKNOWN)
FAILURES = 3  # in a row before it is down
SUCCESSES = 2  # in a row before it is up again
REMEMBERED = 21  # observations kept for slowness and flapping
SLOW_OVER = 20
RELIEF = 0.8  # of the threshold: below it, a slow one counts as quick again
FLAPS_FROM, FLAPS_UNTIL = 50.0, 25.0  # percent of changes
RESPITE = timedelta(minutes=3)  # of the children of what is just back: workers reconnect in it
OWN_FAULTS = frozenset({"dns", "connect", "timeout"})


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at one component; `ms` where it answered, `kind` and `error` where not."""

    status: str
    ms: float | None = None
    kind: str = ""
    error: str = ""

    @property
    def works(self) -> bool:
        return self.status in {HEALTHY, DEGRADED}


@dataclass(frozen=True, slots=True)
class Standing:
    """The confirmed state, and how many observations in a row speak against it since when."""

    state: str = UNKNOWN
    against: int = 0
    against_since: datetime | None = None


def step(standing: Standing, seen: Observation, at: datetime) -> Standing:
    """The standing after one more observation; an unknown one changes nothing.

    The first success sets up at once. Afterwards three failures in a row confirm down and two
    successes confirm up; `against_since` of the result is then the first of that row.
    """
    if seen.status == UNKNOWN:
        return standing
    if seen.works != (standing.state == DOWN):
        return Standing(UP if seen.works else DOWN)
    since = standing.against_since if standing.against else at
    count = standing.against + 1
    if count < (SUCCESSES if seen.works else FAILURES):
        return replace(standing, against=count, against_since=since)
    return Standing(UP if seen.works else DOWN, 0, since)


def slow(recent_ms: Sequence[float], threshold_ms: float, *, was: bool) -> bool:
    """Whether the 95th percentile of the last answers is over the threshold.

    One that was slow stays so until it is below 0.8 of the threshold.
    """
    if not recent_ms:
        return was
    ordered = sorted(recent_ms[-SLOW_OVER:])
    p95 = ordered[ceil(0.95 * len(ordered)) - 1]
    return p95 > threshold_ms * (RELIEF if was else 1.0)


def flaps(worked: Sequence[bool], *, was: bool) -> bool:
    """Whether it goes up and down so often that its changes say nothing new.

    Changes over the last 21 observations, the oldest weighted 0.8 and the newest 1.2, in
    percent of the 20 possible; it begins at 50 and ends below 25.
    """
    latest = worked[-REMEMBERED:]
    places = REMEMBERED - 1
    offset = REMEMBERED - len(latest)
    changed = sum(
        0.8 + 0.4 * (offset + place) / (places - 1)
        for place, (one, other) in enumerate(pairwise(latest))
        if one != other
    )
    return 100 * changed / places >= (FLAPS_UNTIL if was else FLAPS_FROM)


def own_fault(outside: Iterable[tuple[str, bool, Observation]]) -> bool:
    """Whether this machine's own network is more likely gone than all targets at once.

    `outside` has the host of each external target, whether it was up, and what was seen. True
    where all of at least two hosts that were up fail by name, connection or time.
    """
    failed = [(host, seen) for host, was_up, seen in outside if was_up]
    hosts = {host for host, _ in failed}
    return len(hosts) >= 2 and all(
        seen.status == UNHEALTHY and seen.kind in OWN_FAULTS for _, seen in failed
    )


def to_blame(standing: Standing, since: datetime | None, at: datetime) -> bool:
    """Whether a parent's own trouble explains its children's: one outage is told of once.

    It is down, its latest looks failed, or it is up again for less than three minutes, in which
    those who depend on it find back to it.
    """
    if standing.state == DOWN or standing.against:
        return True
    return standing.state == UP and since is not None and at - since < RESPITE


def overall(required: Iterable[str]) -> str:
    """The worst status of those that are required; an unknown one counts as degraded."""
    found = set(required)
    if UNHEALTHY in found:
        return UNHEALTHY
    return DEGRADED if found & {DEGRADED, UNKNOWN} else HEALTHY
