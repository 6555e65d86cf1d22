"""Create, pause, resume and conclude tests, and change their weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from aethercrown.transitions import InvalidTransition, check_transition
from marketing.experiments.assignment.ranges import changed_ranges, first_ranges
from marketing.experiments.models import AbTest, AbTestEpoch, AbTestVariant
from marketing.experiments.services import looks
from marketing.experiments.services.assign import UnknownTest

LARGEST_TEST = 10  # variants
ENGAGEMENT_WINDOW_HOURS = 24
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Status = AbTest.Status
ALLOWED: Mapping[str, tuple[str, ...]] = {
    Status.RUNNING: (Status.PAUSED, Status.CONCLUDED),
    Status.PAUSED: (Status.RUNNING, Status.CONCLUDED),
}


class NewVariant(NamedTuple):
    """A variant as it is given; an empty id becomes a letter."""

    variant_id: str = ""
    payload: Mapping[str, Any] = {}
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AbTestSettings:
    """What is fixed when a test is created; None takes the installation's default."""

    test_type: str = AbTest.Goal.CONVERSION
    confidence: float = 0.95
    minimum_effect: float = 0.1
    min_sample_size: int | None = None
    attribution_window_hours: int | None = None
    started_at: datetime | None = None
    test_id: str = field(default_factory=lambda: uuid4().hex)


class InvalidTest(ValueError):
    """A test cannot be made or changed so; `problems` has field, code and message of each."""

    def __init__(self, problems: Sequence[tuple[str, str, str]]) -> None:
        super().__init__("; ".join(f"{name} {message}" for name, _, message in problems))
        self.problems = problems


class AlreadyConcluded(Exception):
    """The test was concluded before, with another winner."""


@transaction.atomic
def create(
    name: str,
    variants: Sequence[NewVariant],
    given: AbTestSettings | None = None,
    *,
    now: datetime,
) -> AbTest:
    """Store a running test. Raises InvalidTest with every bad field."""
    chosen = given or AbTestSettings()
    named = _named(variants)
    problems = [*_variant_problems(named)]
    if chosen.started_at is not None and chosen.started_at > now:
        problems.append(("started_at", "in_future", "must not be in the future"))
    if problems:
        raise InvalidTest(problems)
    started_at = chosen.started_at or now
    test = AbTest.objects.create(
        test_id=chosen.test_id,
        name=name,
        test_type=chosen.test_type,
        confidence=chosen.confidence,
        minimum_effect=chosen.minimum_effect,
        min_sample_size=max(chosen.min_sample_size or 0, settings.MIN_SAMPLE_SIZE_AB_TEST),
        attribution_window_hours=_window(chosen),
        started_at=started_at,
        created_at=now,
    )
    AbTestVariant.objects.bulk_create(
        AbTestVariant(test=test, place=place, variant_id=each.variant_id, payload=each.payload)
        for place, each in enumerate(named)
    )
    weights = [each.weight for each in named]
    AbTestEpoch.objects.create(
        test=test, number=0, started_at=started_at,
        weights=_shares(weights), ranges=first_ranges(weights),
    )  # fmt: skip
    return test


@transaction.atomic
def change_weights(test_id: str, weights: Mapping[str, float], *, now: datetime) -> AbTestEpoch:
    """Open an epoch with new weights by variant id; those not named keep theirs.

    The fewest buckets move, and no visitor who has an arm. The same weights open nothing.
    Raises UnknownTest, InvalidTest, InvalidTransition.
    """
    test = lock(test_id)
    _check_open(test)
    last = AbTestEpoch.objects.filter(test=test).latest("number")
    ids = list(test.variants.values_list("variant_id", flat=True))
    if problems := [*_weight_problems(weights, ids)]:
        raise InvalidTest(problems)
    changed = [weights.get(name, old) for name, old in zip(ids, last.weights, strict=True)]
    if not any(changed):
        raise InvalidTest([("variants", "all_zero", "must leave one weight above 0")])
    if _shares(changed) == last.weights:
        return last
    present = [tuple((start, end) for start, end in arm) for arm in last.ranges]
    return AbTestEpoch.objects.create(
        test=test, number=last.number + 1, started_at=now,
        weights=_shares(changed), ranges=changed_ranges(present, changed),
    )  # fmt: skip


@transaction.atomic
def pause(test_id: str) -> AbTest:
    """Stop new exposures from being asked for; those that come are still counted."""
    return _moved(lock(test_id), Status.PAUSED)


@transaction.atomic
def resume(test_id: str) -> AbTest:
    """Let a paused test run on."""
    return _moved(lock(test_id), Status.RUNNING)


@transaction.atomic
def conclude(test_id: str, *, by: str, now: datetime, winning_variant: str | None = None) -> AbTest:
    """Take a last look and end the test; without a variant given, with the decision's winner.

    Again with the same winner changes nothing. Raises UnknownTest, InvalidTest, AlreadyConcluded.
    """
    test = lock(test_id)
    chosen = None
    if winning_variant is not None:
        row = test.variants.filter(variant_id=winning_variant).first()
        if row is None:
            words = "is no variant of this test"
            raise InvalidTest([("winning_variant_id", "unknown_variant", words)])
        chosen = row.place
    if test.status == Status.CONCLUDED:
        if winning_variant is not None and chosen != test.chosen_place:
            raise AlreadyConcluded(f"{test} was concluded with another winner.")
        return test
    looks.evaluate_locked(test, now=now, is_last=True)
    decision = looks.decision_of(test)
    if chosen is None and decision is not None and test.invalid_at is None:
        chosen = decision.winner_place
    test.status, test.concluded_at = Status.CONCLUDED, now
    test.concluded_by, test.chosen_place = by[:200], chosen
    test.save(update_fields=["status", "concluded_at", "concluded_by", "chosen_place"])
    return test


def lock(test_id: str) -> AbTest:
    """The test, locked until the transaction ends. Raises UnknownTest."""
    test = AbTest.objects.select_for_update().filter(test_id=test_id).first()
    if test is None:
        raise UnknownTest(f"There is no test {test_id!r}.")
    return test


def _moved(test: AbTest, status: str) -> AbTest:
    if test.status != status:
        check_transition(str(test), test.status, status, ALLOWED)
        test.status = status
        test.save(update_fields=["status"])
    return test


def _check_open(test: AbTest) -> None:
    if test.status == Status.CONCLUDED:
        raise InvalidTransition(f"{test} is concluded; its weights stay.")


def _window(chosen: AbTestSettings) -> int:
    if chosen.attribution_window_hours is not None:
        return chosen.attribution_window_hours
    if chosen.test_type == AbTest.Goal.ENGAGEMENT:
        return ENGAGEMENT_WINDOW_HOURS
    return int(settings.AB_TEST_ATTRIBUTION_HOURS)


def _named(variants: Sequence[NewVariant]) -> list[NewVariant]:
    """A, B, C ... Z, AA where no id was given."""
    return [
        each if each.variant_id else each._replace(variant_id=_letters(place))
        for place, each in enumerate(variants)
    ]


def _letters(place: int) -> str:
    return (LETTERS[place // 26 - 1] if place >= 26 else "") + LETTERS[place % 26]


def _shares(weights: Sequence[float]) -> list[float]:
    whole = sum(weights)
    return [each / whole for each in weights]


def _variant_problems(variants: Sequence[NewVariant]) -> list[tuple[str, str, str]]:
    problems = []
    if not 2 <= len(variants) <= LARGEST_TEST:
        problems.append(("variants", "length", f"must be 2 to {LARGEST_TEST}"))
    seen: set[str] = set()
    for place, each in enumerate(variants):
        if each.variant_id in seen:
            words = "is the id of an earlier variant"
            problems.append((f"variants[{place}].id", "duplicate", words))
        seen.add(each.variant_id)
        if not each.weight > 0:
            problems.append((f"variants[{place}].weight", "min_value", "must be above 0"))
    return problems


def _weight_problems(
    weights: Mapping[str, float], ids: Sequence[str]
) -> list[tuple[str, str, str]]:
    problems = []
    for place, (name, weight) in enumerate(weights.items()):
        if name not in ids:
            words = "is no variant of this test"
            problems.append((f"variants[{place}].id", "unknown_variant", words))
        if not weight >= 0:
            problems.append((f"variants[{place}].weight", "min_value", "must be 0 or more"))
    return problems
