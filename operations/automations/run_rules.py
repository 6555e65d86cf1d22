"""The ledger's rules on plain values: what due slots become, how long to wait, what is written."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from operations.automations.registry import RunOutcome

LEASE_LENGTH = timedelta(seconds=20)
LEASE_RENEWAL_INTERVAL = timedelta(seconds=5)
MAX_ATTEMPTS = 3
RETRY_DELAYS = (timedelta(0), timedelta(seconds=30), timedelta(seconds=120))  # before each attempt
ON_TIME_WITHIN = timedelta(seconds=10)  # a slot entered within it is on time, not caught up
CATCH_UP_WINDOW = timedelta(days=7)
MAX_CATCH_UP_RUNS = 100  # slots caught up at once
RETENTION = timedelta(days=90)  # runs that ended well or were skipped
FAILED_RETENTION = timedelta(days=365)
WORKER_LOST = f"The worker was lost in each of {MAX_ATTEMPTS} attempts."
LONGEST_TEXT = 8_000  # characters of an error kept

SCHEDULE, CATCH_UP = "schedule", "catch-up"
MISSED, OVERLAP = "missed", "overlap"


@dataclass(frozen=True, slots=True)
class DueRun:
    """One due slot on its way into the ledger; with a reason it is recorded as skipped."""

    planned_for: datetime
    trigger: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunResult:
    """What became of one run, for the table of results and for messages."""

    automation: str
    state: str
    summary: str = ""
    seconds: float | None = None
    run_id: int | None = None
    detail: Mapping[str, object] | None = None


def plan_due_runs(
    due: Sequence[datetime], missed: str, now: datetime, *, busy: bool
) -> list[DueRun]:
    """Say of each due slot (oldest first) whether it runs or is recorded as skipped.

    `missed` is the automation's policy for the slots that passed while nothing ran. While a run
    is still open (`busy`) a new slot is skipped as overlapping, except under the policy "all".
    """
    entries = []
    for place, slot in enumerate(due):
        is_latest = place == len(due) - 1
        on_time = is_latest and now - slot <= ON_TIME_WITHIN
        if missed == "all" or on_time:
            reason = OVERLAP if busy and missed != "all" else ""
        elif is_latest and missed == "once":
            reason = OVERLAP if busy else ""
        else:
            reason = MISSED
        entries.append(DueRun(slot, SCHEDULE if on_time else CATCH_UP, reason))
    return entries


def result_json(outcome: RunOutcome, heard: str) -> dict[str, object]:
    """What is kept of a success: what it decided and found, and what it wrote to the log."""
    kept: dict[str, object] = {"decisions": outcome.decisions, "detail": outcome.detail}
    return {**kept, "log": heard.strip()} if heard.strip() else kept


def recordable(value: Any) -> Any:
    """The value as every database's JSON takes it: what JSON cannot say becomes text."""
    if isinstance(value, Mapping):
        return {legible(str(key)): recordable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [recordable(each) for each in value]
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    return legible(str(value))


def facts(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a run found, in words for a page: the name of each fact, and the fact."""
    return [(name.replace("_", " ").capitalize(), plain(each)) for name, each in detail.items()]


def plain(value: Any) -> str:
    """A value as a person writes it: yes, no, none, a list by commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return plain([f"{name}: {plain(each)}" for name, each in value.items()])
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value)) or "none"
    return "none" if value is None or value == "" else str(value)


def legible(text: str) -> str:
    """Text that every database takes: no NUL, no half characters, not endless."""
    whole = text.encode("utf-8", "replace").decode().replace("\0", "")
    if len(whole) <= LONGEST_TEXT:
        return whole
    return f"{whole[: LONGEST_TEXT // 2]}\n[...]\n{whole[-LONGEST_TEXT // 2 :]}"


def last_line(error: str) -> str:
    """What a traceback ends with: the error itself."""
    return (error.strip().splitlines() or ["no reason recorded"])[-1]


def table(results: Sequence[RunResult]) -> str:
    """The results as aligned columns, one line each."""
    head = ("automation", "state", "seconds", "what it did")
    rows = [head, *(_cells(each) for each in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def _cells(result: RunResult) -> tuple[str, str, str, str]:
    seconds = "" if result.seconds is None else f"{result.seconds:.2f}"
    return result.automation, result.state, seconds, " ".join(result.summary.split())


def as_json(results: Sequence[RunResult]) -> str:
    """The results for another program: a list of objects."""
    return json.dumps(
        [
            {
                "automation": each.automation,
                "state": each.state,
                "summary": each.summary,
                "seconds": each.seconds,
                "run_id": each.run_id,
                "detail": recordable(each.detail or {}),
            }
            for each in results
        ],
        indent=2,
    )
