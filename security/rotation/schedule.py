"""What each level demands, when a key is rotated, and how many keys a run may rotate. Pure.

A key is due exactly one interval after its last rotation. Keys registered together would be due
together, so each becomes eligible up to a tenth of the interval earlier, at a time derived from
a hash of the key and its version.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from uuid import UUID

AUTOMATION = "security.rotate_keys"  # its name, and that of its decisions
CRITICAL, HIGH, MEDIUM, LOW = "critical", "high", "medium", "low"
LEVELS = (CRITICAL, HIGH, MEDIUM, LOW)
DEFAULT_GRACE: Mapping[str, timedelta] = {
    CRITICAL: timedelta(hours=24),
    HIGH: timedelta(hours=72),
    MEDIUM: timedelta(days=7),
    LOW: timedelta(days=7),
}
MAX_GRACE_MINUTES = 366 * 24 * 60  # that a request may ask for
MAX_JITTER = 0.1  # of the interval
DUE_SOON, DUE_SOON_SHARE = timedelta(days=7), 4  # or a quarter of the interval, if that is less
LONG_OVERDUE = timedelta(days=30)  # or an interval
MIN_KEYS_PER_HOUR, MAX_KEYS_PER_HOUR, SHARE_PER_HOUR = 10, 50, 0.05
MAX_DUE_SHARE = 0.2  # of all keys; more of them due after a clock jump pauses the run
MIN_KEYS_FOR_SHARES = 20  # below it, one key is a large share
MAX_CLOCK_JUMP = timedelta(hours=1)
RUN_DELAY = timedelta(hours=2)  # of a run, after which it was missed
RETRY_WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(minutes=120),
)
MAX_FAILED_TESTS = 3  # of one value


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """Days between rotations, and how long an old value still works."""

    interval_days: int
    grace: timedelta

    @property
    def interval(self) -> timedelta:
        return timedelta(days=self.interval_days)


@dataclass(frozen=True, slots=True)
class RotationWindow:
    """When a rotation is due, and from when a scheduled run may do it."""

    due_at: datetime
    eligible_at: datetime


def rotation_window(
    rotated_at: datetime, interval: timedelta, key: UUID, version: int
) -> RotationWindow:
    """The next window of a key whose version `version` became current at `rotated_at`."""
    due_at = rotated_at + interval
    return RotationWindow(due_at, due_at - interval * (MAX_JITTER * jitter(key, version)))


def jitter(key: UUID, version: int) -> float:
    """A number in [0, 1) that is always the same for this key and version."""
    digest = sha256(f"{key}|{version}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def hourly_limit(keys: int) -> int:
    """How many of `keys` keys the scheduled runs may rotate within an hour."""
    return min(MAX_KEYS_PER_HOUR, max(MIN_KEYS_PER_HOUR, ceil(SHARE_PER_HOUR * keys)))


def due_soon_within(interval_days: int) -> timedelta:
    """How long before it is due a key is due soon: one that rotates daily is not always so."""
    return min(DUE_SOON, timedelta(days=interval_days) / DUE_SOON_SHARE)


def due_status(due_at: datetime, interval_days: int, now: datetime) -> str:
    """overdue, due_soon or healthy."""
    if due_at <= now:
        return "overdue"
    return "due_soon" if due_at <= now + due_soon_within(interval_days) else "healthy"


def is_long_overdue(due_at: datetime, interval_days: int, now: datetime) -> bool:
    return now - due_at > min(LONG_OVERDUE, timedelta(days=interval_days))


@dataclass(frozen=True, slots=True)
class RunAllowance:
    """How many keys a run may rotate, or the reason why none."""

    limit: int
    paused_because: str = ""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One machine's clock, and its uptime, which no setting of the clock changes.

    `boot` names the machine's start; empty where the system does not tell.
    """

    wall: datetime
    boot: str = ""
    uptime: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class RunConditions:
    """The keys, the due ones, and the rotations begun this hour; and the clocks.

    `now` is the database's clock; `last_reading` this machine's at its last run since it started.
    """

    keys: int
    due: int
    begun_this_hour: int
    now: datetime
    reading: ClockReading
    last_reading: ClockReading | None = None
    last_run_at: datetime | None = None
    paused: bool = False


def run_allowance(conditions: RunConditions) -> RunAllowance:
    """How many keys this run may rotate; none if a clock jumped and too many keys are due."""
    if conditions.paused:
        return RunAllowance(0, "An earlier run was paused and has not been resumed.")
    jump = clock_jump(conditions)
    if jump > MAX_CLOCK_JUMP and is_large_share(conditions.due, conditions.keys):
        return RunAllowance(
            0,
            f"{conditions.due} of {conditions.keys} keys are due at once, and a clock has moved by "
            f"{jump}: nothing is rotated until a person has checked this and resumes.",
        )
    return RunAllowance(max(0, hourly_limit(conditions.keys) - conditions.begun_this_hour))


def is_large_share(due: int, keys: int) -> bool:
    """Whether so many are due that a wrong clock is likely; of few keys any share is chance."""
    return keys >= MIN_KEYS_FOR_SHARES and due > MAX_DUE_SHARE * keys


def clock_jump(conditions: RunConditions) -> timedelta:
    """How far a clock was set; a platform that was switched off moved no clock.

    This machine's is compared with the database's and with its own uptime, and none may be behind
    the last run.
    """
    now, then = conditions.reading, conditions.last_reading
    jumps = [abs(now.wall - conditions.now)]
    if conditions.last_run_at is not None:
        jumps.append(conditions.last_run_at - conditions.now)
    if then is not None and now.boot and then.boot == now.boot:
        jumps.append(abs((now.wall - then.wall) - (now.uptime - then.uptime)))
    return max(jumps)


def is_run_missed(
    last_run_at: datetime | None, first_key_at: datetime | None, every: timedelta, now: datetime
) -> bool:
    """Whether there were keys, but no run for two hours longer than runs are apart."""
    known = [each for each in (last_run_at, first_key_at) if each is not None]
    return first_key_at is not None and now - max(known) > every + RUN_DELAY


def retry_wait(failures: int) -> timedelta:
    """The wait after `failures` failures in a row, 1 or more; the last wait repeats."""
    if failures < 1:
        raise ValueError(f"failures is {failures}: must be 1 or more.")
    return RETRY_WAITS[min(failures, len(RETRY_WAITS)) - 1]


def is_used_up(tries: int) -> bool:
    """Whether a value has failed so many tests that a new one is made."""
    return tries >= MAX_FAILED_TESTS
