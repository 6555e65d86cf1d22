from datetime import UTC, datetime

import pytest

from aethercrown import bulk
from security.audit.models import Head
from security.rotation.models import Pass

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_rows_are_added_and_changed_where_they_are_as_given():
    bulk.insert(Head, ["stream", "seq", "hash", "anchored"], [("a", 1, "x", 0), ("b", 2, "y", 0)])
    rows = [(5, "a", 1), (6, "b", 9)]
    assert bulk.update(Head, ["seq"], ["stream", "seq"], rows) == 1
    assert list(Head.objects.order_by("stream").values_list("stream", "seq")) == [
        ("a", 5),
        ("b", 2),
    ]


def test_nothing_is_nothing():
    bulk.insert(Head, ["stream"], [])
    assert bulk.update(Head, ["seq"], ["stream"], []) == 0


def test_a_time_is_as_its_column_takes_it():
    bulk.insert(
        Pass,
        [
            "begun_at",
            "actor",
            "due",
            "rotated",
            "failed",
            "held_back",
            "paused_because",
            "resumed_by",
        ],
        [(bulk.stamp(NOON), "", 0, 0, 0, 0, "", "")],
    )
    assert Pass.objects.get(begun_at=NOON).begun_at == NOON
