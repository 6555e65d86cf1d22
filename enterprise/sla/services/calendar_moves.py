"""Move running clocks to the calendar version in force, by one previewed decision.

Features that plan by a calendar, such as onboarding, follow: they register here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from aethercrown.formatting import counted, moment_text
from aethercrown.registry import Registry
from enterprise.sla import reports, timeline
from enterprise.sla.models import CalendarVersion, SlaBreach, SlaClock, VersionState
from enterprise.sla.services import clocks
from enterprise.sla.services.sweep import SWEEP
from enterprise.sla.timeline import Timeline, TimelineEvent
from operations.decisions import digest
from operations.decisions import services as decisions
from operations.decisions.decision_types import (
    DecisionCase,
    DecisionType,
    MeasuredEffect,
    ShownChange,
    Stale,
)
from operations.decisions.draft import Draft, ExpectedEffect

MOVE = "sla_calendar_move"


@dataclass(frozen=True, slots=True)
class CalendarFollower:
    """A feature with rows that are planned by a calendar version.

    `preview(version, now)` gives each row that would move, as plain values with its `id` and the
    `version` it has; `lock(ids)` locks rows before their clocks; `move({id: version}, now)` gives
    them another version, once their clocks have it.
    """

    name: str
    preview: Callable[[CalendarVersion, datetime], list[dict[str, Any]]]
    lock: Callable[[Collection[int]], object]
    move: Callable[[Mapping[int, int], datetime], None]


followers: Registry[CalendarFollower] = Registry("calendar follower")


class NothingToMove(ValueError):
    """Every clock runs on the version in force."""


def propose_calendar_move(version_id: int, counts_from: datetime, now: datetime) -> Any:
    """Preview the move of all open clocks to a published version, as a decision to approve.

    It counts from `counts_from`, which is not in the future. Raises NothingToMove, ValueError.
    """
    if counts_from > now:
        raise ValueError("A calendar counts from now or from a time in the past.")
    version = CalendarVersion.objects.select_related("calendar").get(pk=version_id)
    if version.state != VersionState.PUBLISHED:
        raise ValueError(f"{version} is a draft: publish it first.")
    before, after = _preview(version, counts_from, now)
    if not before["clocks"] and not any(before["followers"].values()):
        raise NothingToMove(f"Nothing runs on an older version of {version.calendar}.")
    count = float(len(before["clocks"]))
    draft = Draft(
        automation=SWEEP,
        kind=MOVE,
        subject=f"calendar {version.calendar_id}",
        title=f"Move {counted(len(before['clocks']), 'clock')} to {version}",
        before=before,
        after=after,
        inputs_digest=digest.digest({"before": before, "after": after}),
        method="calendar move 1",
        expected=ExpectedEffect("clocks moved", count, count, count, 0.9, timedelta(0), "clocks"),
    )
    return decisions.propose(draft, mode="propose", now=now)


def _preview(
    version: CalendarVersion, counts_from: datetime, now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    rows = list(reports.outdated_clocks(version.calendar_id).order_by("pk"))
    found = reports.timelines(rows)
    before = [
        {
            "clock": each.pk,
            "version": each.calendar_version_id,
            "events": len(found[each.pk].events),
            "due_at": each.due_at,
        }
        for each in rows
    ]
    after = [_clock_after(each, found[each.pk], version, counts_from, now) for each in rows]
    following = {each.name: each.preview(version, now) for each in followers}
    versions = {
        name: {str(row["id"]): row["version"] for row in each} for name, each in following.items()
    }
    return (
        {"calendar": version.calendar_id, "clocks": before, "followers": versions},
        {
            "version": version.pk,
            "counts_from": counts_from.astimezone(UTC),
            "clocks": after,
            "followers": following,
        },
    )


def _clock_after(
    clock: SlaClock,
    present: Timeline,
    version: CalendarVersion,
    counts_from: datetime,
    now: datetime,
) -> dict[str, Any]:
    """The due date by the new version, and breaches that would appear or go."""
    hours = version.business_hours(clock.zone)
    moved = timeline.rebased(
        present, TimelineEvent(timeline.RECALENDAR, now, None, hours, counts_from)
    )
    was_over = present.elapsed(now) >= present.target
    is_over = moved.elapsed(now) >= moved.target
    return {
        "clock": clock.pk,
        "title": clock.title,
        "due_at": moved.due_at(now),
        "breach": "appears" if is_over and not was_over else "goes" if was_over > is_over else "",
    }


def apply_move(case: DecisionCase) -> None:
    """Append an event to each clock. Raises Stale where one changed since the preview."""
    _move(case, reverse=False)


def undo_move(case: DecisionCase) -> None:
    """Move the clocks back to the versions that they had, counting from the same time."""
    _move(case, reverse=True)


def _move(case: DecisionCase, *, reverse: bool) -> None:
    now = timezone.now()
    counts_from = datetime.fromisoformat(case.after["counts_from"])
    following = {each: case.before["followers"].get(each.name, {}) for each in followers}
    for each, old in following.items():  # first, as whoever changes a flow does
        each.lock([int(pk) for pk in old])
    for row in case.before["clocks"]:
        clock = clocks.lock_clock(row["clock"])
        target, expected = row["version"], case.after["version"]
        if not reverse:
            target, expected = expected, target
        if clock.calendar_version_id != expected:
            raise Stale(f"Clock {clock.pk} has moved to another calendar since.")
        if not reverse and _event_count(clock) != row["events"]:
            raise Stale(f"Clock {clock.pk} has changed since: preview the move again.")
        _recalendar(clock, int(target), counts_from, case.decision_id, now)
    for each, old in following.items():
        each.move({int(pk): old[pk] if reverse else case.after["version"] for pk in old}, now)


def _event_count(clock: SlaClock) -> int:
    return clock.events.filter(generation=clock.generation).count()


def _recalendar(
    clock: SlaClock, version_id: int, counts_from: datetime, decision_id: int, now: datetime
) -> None:
    if clock.state == SlaClock.State.STOPPED:
        return
    clocks.record_reached(clock, now)
    clock.calendar_version_id = version_id
    since = max(counts_from, clock.started_at)
    clocks.append(clock, timeline.RECALENDAR, now, counts_from=since, decision_id=decision_id)
    _withdraw(clock, decision_id, now)
    clocks.record_reached(clock, now)


def _withdraw(clock: SlaClock, decision_id: int, now: datetime) -> None:
    """Mark what the clock has not reached by the new calendar; it may be reached again later."""
    found = reports.timelines([clock])[clock.pk]
    rows = clock.breaches.filter(
        generation=clock.generation,
        target_version=clock.target_version,
        state=SlaBreach.State.IN_FORCE,
    )
    known = list(rows.values_list("threshold", flat=True))
    gone = set(known) - set(timeline.passed(found, known, now))
    rows.filter(threshold__in=gone).update(state=SlaBreach.State.WITHDRAWN, decision_id=decision_id)


def measure_move(case: DecisionCase, _now: datetime) -> MeasuredEffect:
    """How many clocks were moved by the decision."""
    moved = SlaClock.objects.filter(events__decision=case.decision_id).distinct().count()
    return MeasuredEffect(float(moved), None, None, {}, inside=moved == case.expected.estimate)


def shown_move(before: Mapping[str, Any], after: Mapping[str, Any]) -> ShownChange:
    """When each clock is due before and after, and whether a breach of it would appear or go."""
    due = {row["clock"]: due_text(row["due_at"]) for row in before["clocks"]}
    breach = {"": "", "appears": "; it would be a breach", "goes": "; it would be none any more"}
    old = {each["title"]: due[each["clock"]] for each in after["clocks"]}
    new = {
        each["title"]: f"{due_text(each['due_at'])}{breach[each['breach']]}"
        for each in after["clocks"]
    }
    planned = {f"{name} planned anew": len(rows) for name, rows in after["followers"].items()}
    return old, {**new, "counts from": due_text(after["counts_from"]), **planned}


def due_text(at: str | None) -> str:
    """A stored time for a person; a paused clock has none."""
    return "paused" if at is None else moment_text(datetime.fromisoformat(at).astimezone(UTC))


CALENDAR_MOVE = DecisionType(
    MOVE, "Calendar of running clocks", apply_move, undo_move, measure_move, shown=shown_move
)


def summary(after: Mapping[str, Any]) -> str:
    """The preview in a sentence."""
    appear = sum(each["breach"] == "appears" for each in after["clocks"])
    gone = sum(each["breach"] == "goes" for each in after["clocks"])
    return f"{counted(appear, 'breach', 'breaches')} would appear, {gone} would go"
