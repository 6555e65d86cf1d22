import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.automations.run_rules import (
    DueRun,
    RunResult,
    as_json,
    detail_lines,
    plan_due_runs,
    table,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOURS = [NOON - timedelta(hours=back) for back in (2, 1, 0)]
FIRST, SECOND, LAST = HOURS


def test_nothing_due_gives_no_runs():
    assert plan_due_runs([], "once", NOON, busy=False) == []


def test_an_on_time_run_runs_under_every_policy():
    for missed in ("skip", "once", "all"):
        assert plan_due_runs([LAST], missed, NOON, busy=False) == [DueRun(LAST, "schedule")]


@pytest.mark.parametrize(
    ("missed", "reasons"),
    [("skip", ["missed"] * 3), ("once", ["missed", "missed", ""]), ("all", ["", "", ""])],
)
def test_times_that_passed_are_caught_up_as_the_policy_says(missed, reasons):
    late = NOON + timedelta(minutes=30)
    due_runs = plan_due_runs(HOURS, missed, late, busy=False)
    assert due_runs == [
        DueRun(slot, "catch-up", reason) for slot, reason in zip(HOURS, reasons, strict=True)
    ]


def test_a_time_that_meets_an_open_run_is_skipped_unless_the_policy_is_all():
    late = NOON + timedelta(minutes=30)
    assert plan_due_runs([LAST], "once", NOON, busy=True) == [DueRun(LAST, "schedule", "overlap")]
    assert plan_due_runs([LAST], "once", late, busy=True) == [DueRun(LAST, "catch-up", "overlap")]
    assert plan_due_runs([LAST], "skip", NOON, busy=True) == [DueRun(LAST, "schedule", "overlap")]
    assert plan_due_runs([LAST], "all", NOON, busy=True) == [DueRun(LAST, "schedule")]


@given(
    count=st.integers(0, 20),
    missed=st.sampled_from(["skip", "once", "all"]),
    late=st.timedeltas(timedelta(0), timedelta(days=2)),
    busy=st.booleans(),
)
def test_each_time_gives_one_run_and_at_most_one_is_executed_unless_the_policy_is_all(
    count, missed, late, busy
):
    due = [NOON + timedelta(hours=each) for each in range(count)]
    due_runs = plan_due_runs(due, missed, NOON + timedelta(hours=count) + late, busy=busy)
    assert [each.planned_for for each in due_runs] == due
    running = [each for each in due_runs if not each.reason]
    assert len(running) == count if missed == "all" else len(running) <= 1


def test_the_table_is_aligned_and_holds_one_line_each():
    results = [
        RunResult("marketing.optimize_budget", "done", "Proposed\n1 plan.", 1.234),
        RunResult("ads", "not due"),
    ]
    assert table(results).splitlines() == [
        "automation                 state    took    what it did",
        "marketing.optimize_budget  done     1.23 s  Proposed 1 plan.",
        "ads                        not due",
    ]


def test_results_are_written_as_json():
    [written] = json.loads(as_json([RunResult("ads", "done", "Looked.", 0.5, 7, {"at": NOON})]))
    assert written == {
        "automation": "ads",
        "state": "done",
        "summary": "Looked.",
        "seconds": 0.5,
        "run_id": 7,
        "detail": {"at": str(NOON)},
    }


def test_details_of_a_run_are_written_for_people():
    found = {"is_planned": True, "late": False, "against": [], "why": "", "next": None}
    assert detail_lines(found) == [
        ("Is planned", "yes"),
        ("Late", "no"),
        ("Against", "none"),
        ("Why", "none"),
        ("Next", "none"),
    ]
    assert detail_lines({"by_day": {"monday": 2, "open": (1, "two")}}) == [
        ("By day", "monday: 2, open: 1, two")
    ]
