import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.automations.run_rules import (
    LONGEST_TEXT,
    DueRun,
    RunResult,
    as_json,
    facts,
    legible,
    plan_due_runs,
    recordable,
    table,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOURS = [NOON - timedelta(hours=back) for back in (2, 1, 0)]
FIRST, SECOND, LAST = HOURS


def test_nothing_due_enters_nothing():
    assert plan_due_runs([], "once", NOON, busy=False) == []


def test_a_slot_on_time_runs_under_every_policy():
    for missed in ("skip", "once", "all"):
        assert plan_due_runs([LAST], missed, NOON, busy=False) == [DueRun(LAST, "schedule")]


@pytest.mark.parametrize(
    ("missed", "reasons"),
    [("skip", ["missed"] * 3), ("once", ["missed", "missed", ""]), ("all", ["", "", ""])],
)
def test_slots_that_passed_are_caught_up_as_the_policy_says(missed, reasons):
    late = NOON + timedelta(minutes=30)
    entries = plan_due_runs(HOURS, missed, late, busy=False)
    assert entries == [
        DueRun(slot, "catch-up", reason) for slot, reason in zip(HOURS, reasons, strict=True)
    ]


def test_a_slot_that_meets_an_open_run_overlaps_unless_all_are_wanted():
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
def test_each_slot_is_entered_once_and_at_most_one_runs_unless_all_are_wanted(
    count, missed, late, busy
):
    due = [NOON + timedelta(hours=each) for each in range(count)]
    entries = plan_due_runs(due, missed, NOON + timedelta(hours=count) + late, busy=busy)
    assert [each.planned_for for each in entries] == due
    running = [each for each in entries if not each.reason]
    assert len(running) == count if missed == "all" else len(running) <= 1


def test_what_json_cannot_say_becomes_text():
    value = {
        1: [float("nan"), 1.5, True, None, 3],
        "when": NOON,
        "nul": "a\0b",
        "half": "\ud800",
    }
    assert recordable(value) == {
        "1": ["nan", 1.5, True, None, 3],
        "when": str(NOON),
        "nul": "ab",
        "half": "?",
    }


@given(st.text(min_size=10, max_size=50))
def test_a_long_text_keeps_its_beginning_and_its_end(text):
    kept = legible(text * LONGEST_TEXT)
    assert len(kept) <= LONGEST_TEXT + 10
    json.dumps(kept).encode()


def test_the_table_is_aligned_and_holds_one_line_each():
    results = [
        RunResult("marketing.optimize_budget", "done", "Proposed\n1 plan.", 1.234),
        RunResult("ads", "not due"),
    ]
    assert table(results).splitlines() == [
        "automation                 state    seconds  what it did",
        "marketing.optimize_budget  done     1.23     Proposed 1 plan.",
        "ads                        not due",
    ]


def test_results_are_told_to_programs_as_json():
    [told] = json.loads(as_json([RunResult("ads", "done", "Looked.", 0.5, 7, {"at": NOON})]))
    assert told == {
        "automation": "ads",
        "state": "done",
        "summary": "Looked.",
        "seconds": 0.5,
        "run_id": 7,
        "detail": {"at": str(NOON)},
    }


def test_what_a_run_found_is_told_as_a_person_writes_it():
    found = {"is_planned": True, "late": False, "against": [], "why": "", "next": None}
    assert facts(found) == [
        ("Is planned", "yes"),
        ("Late", "no"),
        ("Against", "none"),
        ("Why", "none"),
        ("Next", "none"),
    ]
    assert facts({"by_day": {"monday": 2, "open": (1, "two")}}) == [
        ("By day", "monday: 2, open: 1, two")
    ]
