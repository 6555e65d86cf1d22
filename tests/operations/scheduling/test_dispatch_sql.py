"""The statement that hands out tasks, as text; what it does is seen in test_services."""

import pytest

from operations.scheduling.dispatch_sql import statement


@pytest.mark.parametrize("vendor", ["postgresql", "sqlite"])
def test_every_value_is_bound_and_only_our_own_words_are_written(vendor):
    text = statement(vendor, ["id", "task_id"])
    assert "{" not in text
    assert "RETURNING operations_task.id, operations_task.task_id, (" in text
    bound = {"pool": 1, "count": 2, "workers": "[3]", "lease": 4, "now": "5"}
    assert "%(" not in text % bound


def test_only_a_database_with_several_writers_passes_over_what_another_call_has_locked():
    assert "SKIP LOCKED" in statement("postgresql", ["id"])
    assert "LOCKED" not in statement("sqlite", ["id"])
