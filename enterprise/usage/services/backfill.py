"""Older use: previewed without a write to usage, then applied and reverted by a decision.

The preview's digest covers the input, what becomes of each event, and the days that it touches:
what was shown is what is applied, or nothing is. Thresholds are evaluated after the commit.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from json import dumps
from typing import Any

from django.db import transaction
from django.utils import timezone

from aethercrown.formatting import counted
from aethercrown.history.attribution import current_actor
from aethercrown.text import storable_json
from aethercrown.transitions import InvalidTransition, check_transition
from enterprise.usage.metering.event_input import EventInput, InputProblem, ItemStatus
from enterprise.usage.models import EventKey, UsageBackfill, UsageEvent
from enterprise.usage.reports import backfills
from enterprise.usage.reports.backfills import DayKey, DayTotals
from enterprise.usage.services import (
    backfill_plan,
    backfill_preview,
    partitions,
    rebuild,
    store,
    track,
)
from enterprise.usage.services.backfill_plan import BackfillPlan
from enterprise.usage.services.voided import VOIDS
from operations.decisions import reports as decision_reports
from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect, Stale
from operations.decisions.draft import Draft, ExpectedEffect

State = UsageBackfill.State
STEPS: Mapping[str, Collection[str]] = {
    State.PREVIEWED: {State.APPLIED},
    State.APPLIED: {State.REVERTED},
}
AUTOMATION, KIND = "enterprise.check_usage", "usage_backfill"
MAX_REPLACED = 50_000  # events in the range of one backfill


class PreviewOutdated(Exception):
    """What the backfill touches has changed since its preview."""


class RowsDeleted(InvalidTransition):
    """Events of the backfill were deleted since, so it cannot be taken out exactly."""


class InvalidRange(ValueError):
    """The range to replace is not valid; `problems` has every bad field."""

    def __init__(self, *problems: InputProblem) -> None:
        super().__init__("; ".join(f"{each.field} {each.message}" for each in problems))
        self.problems = problems


def preview(
    items: Sequence[object],
    replaced: backfills.BackfillRange | None,
    *,
    by: str,
    now: datetime,
    most: int = MAX_REPLACED,
) -> UsageBackfill:
    """Store the input with what applying it would do, and propose it as a decision.

    `most` is how many events a range may have. Raises InvalidRange.
    """
    row = UsageBackfill(
        mode=UsageBackfill.Mode.REPLACE if replaced else UsageBackfill.Mode.ADD,
        events=[stored_item(each) for each in items],
        preview={},
        previewed_at=now,
        previewed_by=by[:200],
    )
    if replaced:
        _set_range(row, replaced, most)
    plan = backfill_plan.plan(row, now, writes=False)
    before = backfills.days(plan.touched(now))
    row.digest = _digest(row, plan, before)
    row.preview = backfill_preview.shown(plan, before, now)
    with transaction.atomic():
        row.save()
        decisions.propose(_draft(row), mode="propose", now=now)
    return row


def stored_item(item: object) -> Any:
    """An event as JSON keeps it; a Decimal becomes a float where that is the same number."""
    if not isinstance(item, Mapping):
        return storable_json(item)
    plain = {
        name: float(value)
        if isinstance(value, Decimal) and Decimal(repr(float(value))) == value
        else value
        for name, value in item.items()
    }
    return storable_json(plain)


def _set_range(row: UsageBackfill, replaced: backfills.BackfillRange, most: int) -> None:
    named = EventInput("range", replaced.client_id, replaced.metric, Decimal(0), replaced.start)
    known = track.find_names([named])
    problems = []
    if replaced.client_id not in known.clients:
        problems.append(InputProblem("client_id", "unknown_client", "is not known here"))
    if replaced.metric not in known.metrics:
        problems.append(InputProblem("metric", "unknown_metric", "is not known here"))
    if replaced.end <= replaced.start:
        problems.append(InputProblem("to", "min_value", "must be after `from`"))
    if problems:
        raise InvalidRange(*problems)
    row.customer_id = known.clients[replaced.client_id].customer
    row.metric_id = known.metrics[replaced.metric].pk
    row.starts_at, row.ends_at = replaced.start, replaced.end
    if backfill_plan.in_range(row).count() > most:
        words = f"has more than {most:,} events up to `to`; take a shorter range"
        raise InvalidRange(InputProblem("from", "too_many", words))


def _digest(row: UsageBackfill, plan: BackfillPlan, before: DayTotals) -> str:
    """Of the input, of what becomes of each event, and of the touched days as they are stored."""
    days = sorted(
        (*key[:2], str(key[2]), each.count, str(each.quantity), str(each.most), str(each.last))
        for key, each in before.items()
    )
    parts = [row.mode, row.customer_id, row.metric_id, str(row.starts_at), str(row.ends_at)]
    statuses = [each.status.value for each in plan.batch.items]
    content = [*parts, row.events, statuses, len(plan.voids), days]
    return sha256(dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _draft(row: UsageBackfill) -> Draft:
    """The backfill as a decision: how much each of the first days has before and after it."""
    shown = row.preview
    events = float(shown[ItemStatus.ACCEPTED.value])
    taken_out = f", and {counted(shown['voided'], 'event')} taken out" if shown["voided"] else ""
    days = shown["days"][: backfills.MAX_DECIDED]
    names = [f"{each['metric']} of {each['client_id']}, {each['day']}" for each in days]
    return Draft(
        automation=AUTOMATION,
        kind=KIND,
        subject=f"backfill {row.pk}",
        title=f"Store {counted(int(events), 'event')} of older use{taken_out}",
        before=dict(zip(names, (each["before"] for each in days), strict=True)),
        after=dict(zip(names, (each["after"] for each in days), strict=True)),
        inputs_digest=row.digest,
        method="usage backfill 2",
        expected=ExpectedEffect(
            "events stored", events, events, events, 0.9, timedelta(0), "events"
        ),
    )


def apply(backfill_id: int, digest: str, *, by: str, now: datetime) -> UsageBackfill:
    """Approve the decision that stores what was previewed.

    Raises InvalidTransition (SamePerson too) and PreviewOutdated.
    """
    row = UsageBackfill.objects.get(pk=backfill_id)
    check_transition(str(row), row.state, State.APPLIED, STEPS)
    if digest != row.digest:
        raise PreviewOutdated("This is not the digest of its preview.")
    decision = decisions.propose(_draft(row), mode="propose", now=now)
    try:
        decisions.approve(decision.pk, actor=by, now=now)
    except Stale as error:
        raise PreviewOutdated(str(error)) from error
    return _named(backfill_id, applied_by=by[:200])


def revert(backfill_id: int, *, by: str, now: datetime) -> UsageBackfill:
    """Roll back the decision: the exact negative of every row, once. Raises InvalidTransition."""
    row = UsageBackfill.objects.get(pk=backfill_id)
    check_transition(str(row), row.state, State.REVERTED, STEPS)
    decision = decision_reports.about([f"backfill {row.pk}"]).get(kind=KIND)
    decisions.roll_back(decision.pk, actor=by, now=now)
    return _named(backfill_id, reverted_by=by[:200])


def _named(backfill_id: int, **names: str) -> UsageBackfill:
    UsageBackfill.objects.filter(pk=backfill_id).update(**names)
    return UsageBackfill.objects.get(pk=backfill_id)


def _locked(case: DecisionCase) -> UsageBackfill:
    rows = UsageBackfill.objects.select_for_update(of=("self",))
    return rows.get(pk=int(case.subject.rpartition(" ")[2]))


@transaction.atomic
def store_rows(case: DecisionCase) -> None:
    """Store what was previewed. Raises Stale where what it touches has changed since."""
    row, now = _locked(case), timezone.now()
    check_transition(str(row), row.state, State.APPLIED, STEPS)
    plan = backfill_plan.plan(row, now, writes=True)
    partitions.make_months(partitions.months_of(each.at for each in plan.rows))
    store.lock_clients({each.customer for each in plan.rows}, now)
    store.lock_series(plan.rows, now)
    touched = plan.touched(now)
    if _digest(row, plan, backfills.days(touched)) != row.digest:
        raise Stale("What it touches has changed since; preview it again.")
    _write(plan.rows, touched, row, now)
    row.state, row.applied_at, row.stored = State.APPLIED, now, len(plan.rows)
    row.applied_by = current_actor().actor[:200]
    row.save()


@transaction.atomic
def take_out_rows(case: DecisionCase) -> None:
    """Write the exact negative of every row of the backfill, once, and give back its ids.

    Raises InvalidTransition, and RowsDeleted where events of it are gone.
    """
    row, now = _locked(case), timezone.now()
    check_transition(str(row), row.state, State.REVERTED, STEPS)
    if UsageEvent.objects.filter(backfill=row.pk).count() != row.stored:
        raise RowsDeleted(f"{row} cannot be reverted: some of its events were deleted since.")
    rows, keys = backfill_plan.reversal(row), backfill_plan.stored_keys(row)
    placed = store.placed_events(rows, now)
    touched = {(each.event.customer, each.event.metric, each.day) for each in placed}
    _write(rows, touched, row, now)
    EventKey.objects.filter(pk__in=keys).delete()
    row.state, row.reverted_at = State.REVERTED, now
    row.reverted_by = current_actor().actor[:200]
    row.save()


def _write(
    rows: Sequence[store.NewEvent], touched: set[DayKey], row: UsageBackfill, now: datetime
) -> None:
    store.store(rows, now=now, backfill=row.pk)
    rebuild.rebuild(touched)


def measure(case: DecisionCase, _now: datetime) -> MeasuredEffect:
    """How many new events the backfill has stored."""
    number = int(case.subject.rpartition(" ")[2])
    stored = UsageEvent.objects.filter(backfill=number).exclude(source=VOIDS).count()
    return MeasuredEffect(float(stored), None, None, {}, inside=stored == case.expected.estimate)


BACKFILL = DecisionType(
    KIND,
    "Backfill of usage",
    store_rows,
    take_out_rows,
    measure,
    path=lambda subject: f"/admin/enterprise/usagebackfill/{subject.rpartition(' ')[2]}/change/",
)
