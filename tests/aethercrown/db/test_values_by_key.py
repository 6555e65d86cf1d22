"""Rows read by a compiled statement are what `.values()` gives, with every column converted."""

import pytest

from aethercrown.db import compiled_query
from aethercrown.history import tracking
from operations.health.models import Component

pytestmark = pytest.mark.django_db


def test_rows_are_what_django_reads_of_them():
    for name in ("one", "two"):
        Component.objects.create(name=name, kind="http", target="https://example.com/")
    rows = tracking.tracked()[Component]
    expected = {row["history_id"]: row for row in rows._default_manager.values()}
    assert len(expected) == 2
    for _again in range(2):
        found = compiled_query.values_by_key(rows, list(expected))
        assert {row["history_id"]: row for row in found} == expected


def test_no_key_is_no_row():
    assert list(compiled_query.values_by_key(Component, [])) == []
