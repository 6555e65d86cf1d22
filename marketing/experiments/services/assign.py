"""The arm of a visitor: drawn once by its hash, stored, and the same for ever."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from marketing.experiments.assignment.hashing import bucket
from marketing.experiments.assignment.ranges import arm_of
from marketing.experiments.models import AbTest, AbTestEpoch, AbTestVariant, AbTestVisitor


class UnknownTest(LookupError):
    """There is no test with this id."""


class AssignedArm(NamedTuple):
    """The arm of a visitor."""

    place: int
    variant_id: str
    payload: object


def assign(test_id: str, visitor: str, *, now: datetime) -> AssignedArm:
    """The stored arm, drawn now where there is none. Reading is not exposing.

    Raises UnknownTest.
    """
    test = find(test_id)
    row = AbTestVisitor.objects.filter(test=test, visitor=visitor).first()
    if row is None:
        row = _drawn(test, visitor, now)
    variant = AbTestVariant.objects.get(test=test, place=row.place)
    return AssignedArm(row.place, variant.variant_id, variant.payload)


def find(test_id: str) -> AbTest:
    """The test. Raises UnknownTest."""
    test = AbTest.objects.filter(test_id=test_id).first()
    if test is None:
        raise UnknownTest(f"There is no test {test_id!r}.")
    return test


def place_of(test: AbTest, epoch: AbTestEpoch, visitor: str) -> int:
    """The arm that owns the visitor's bucket."""
    ranges = tuple(tuple((start, end) for start, end in arm) for arm in epoch.ranges)
    return arm_of(ranges, bucket(test.test_id, visitor))


@transaction.atomic
def _drawn(test: AbTest, visitor: str, now: datetime) -> AbTestVisitor:
    """Draw an arm; of two calls at once the first is kept."""
    epoch = AbTestEpoch.objects.filter(test=test).latest("number")
    place = place_of(test, epoch, visitor)
    AbTestVisitor.objects.bulk_create(
        [AbTestVisitor(test=test, visitor=visitor, place=place, epoch=epoch.number, drawn_at=now)],
        ignore_conflicts=True,
    )
    return AbTestVisitor.objects.get(test=test, visitor=visitor)
