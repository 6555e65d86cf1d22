"""The rules of runs: what due times become, how long to wait, what is recorded. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from aethercrown.formatting import counted, duration_text
from aethercrown.text import storable_json

LEASE_LENGTH = timedelta(seconds=20)
LEASE_RENEWAL_INTERVAL = timedelta(seconds=5)
MAX_ATTEMPTS = 3
RETRY_DELAYS = (timedelta(0), timedelta(seconds=30), timedelta(seconds=120))  # before each attempt
ON_TIME_WITHIN = timedelta(seconds=10)  # enqueued within this, a run is on time and not caught up
CATCH_UP_WINDOW = timedelta(days=7)
MAX_CATCH_UP_RUNS = 100
AHEAD_AFTER = timedelta(seconds=10)  # planned later than this: by a clock that was ahead
RETENTION = timedelta(days=90)  # of runs that succeeded or were skipped
FAILED_RETENTION = timedelta(days=365)
WORKER_LOST = f"The worker was lost in each of {MAX_ATTEMPTS} attempts."

SCHEDULE, CATCH_UP = "schedule", "catch-up"
MISSED, OVERLAP = "missed", "overlap"


@dataclass(frozen=True, slots=True)
class DueRun:
    """A due time that becomes a run; with a `reason` it is recorded as skipped."""

    planned_for: datetime
    trigger: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunResult:
    """How one run ended."""

    automation: str
    state: str
    summary: str = ""
    seconds: float | None = None
    run_id: int | None = None
    detail: Mapping[str, object] | None = None


def plan_due_runs(
    due: Sequence[datetime], missed: str, now: datetime, *, busy: bool
) -> list[DueRun]:
    """Decide for each due time (oldest first) whether it runs or is recorded as skipped.

    `missed` is the automation's policy for the times that passed while nothing ran. While a run
    is open (`busy`) a new one is skipped as overlapping, except under the policy "all".
    """
    due_runs = []
    for place, slot in enumerate(due):
        is_latest = place == len(due) - 1
        on_time = is_latest and now - slot <= ON_TIME_WITHIN
        if missed == "all" or on_time:
            reason = OVERLAP if busy and missed != "all" else ""
        elif is_latest and missed == "once":
            reason = OVERLAP if busy else ""
        else:
            reason = MISSED
        due_runs.append(DueRun(slot, SCHEDULE if on_time else CATCH_UP, reason))
    return due_runs


def cut_off_reason(count: int) -> str:
    """Why `count` times before those that are recorded are not caught up."""
    limits = f"{MAX_CATCH_UP_RUNS} times and {CATCH_UP_WINDOW.days} days"
    return f"{MISSED}: {counted(count, 'time')} up to this one, beyond the limits ({limits})"


def detail_lines(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The details of a run for a page: (label, value)."""
    return [(name.replace("_", " ").capitalize(), to_words(each)) for name, each in detail.items()]


def to_words(value: Any) -> str:
    """A value for people: yes, no, none, a list with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return to_words([f"{name}: {to_words(each)}" for name, each in value.items()])
    if isinstance(value, list | tuple):
        return ", ".join(map(to_words, value)) or "none"
    return "none" if value is None or value == "" else str(value)


def table(results: Sequence[RunResult]) -> str:
    """The results as aligned columns, one line each."""
    head = ("automation", "state", "took", "what it did")
    rows = [head]
    for each in results:
        took = "" if each.seconds is None else duration_text(each.seconds)
        rows.append((each.automation, each.state, took, " ".join(each.summary.split())))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def as_json(results: Sequence[RunResult]) -> str:
    """The results as a JSON list of objects."""
    rows = [{**asdict(each), "detail": storable_json(each.detail or {})} for each in results]
    return json.dumps(rows, indent=2)
