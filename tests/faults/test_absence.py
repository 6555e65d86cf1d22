"""Everything is away for a while, or the broker alone: what was due is done as it was promised."""

import os
import signal
import time

import pytest

from tests.faults.crew import crew, wait_for
from tests.faults.test_workers import broker_pid, report

pytestmark = pytest.mark.fault
AWAY = float(os.environ.get("FAULT_AWAY", "135"))  # seconds
EVERY = 15
POLICIES = ("skip", "once", "all")
BATCH = (
    "SELECT state, trigger FROM operations_run r JOIN operations_automation a"
    " ON a.id = r.automation_id WHERE a.name = ? AND queued_at = (SELECT MIN(queued_at)"
    " FROM operations_run o WHERE o.automation_id = a.id AND o.id > ?)"
)
LONG, SHORT = 20.0, 0.2
WITHOUT_BROKER = 10.0
MARKS = 10


def test_times_missed_in_135_seconds_are_caught_up_as_each_policy_says(tmp_path):
    with crew(
        tmp_path / "data", workers=1, works=3, every=EVERY, seconds=(SHORT,), missed=POLICIES
    ) as held:
        wait_for(lambda: len({line["name"] for line in held.noted()}) == len(POLICIES), 60)
        for name in list(held.at_work):
            held.kill(name)
        [(last,)] = held.rows("SELECT MAX(id) FROM operations_run")
        time.sleep(AWAY)
        held.start_worker("worker-0")
        held.start_beat("beat-0")
        began = time.monotonic()
        found = {
            policy: wait_for(lambda name=name: ended(held, name, last), 120)
            for policy, name in zip(POLICIES, ("fault.0", "fault.1", "fault.2"), strict=True)
        }
    slots = {policy: len(batch) for policy, batch in found.items()}
    ran = {policy: caught_up(batch) for policy, batch in found.items()}
    least = int(AWAY // EVERY) - 1
    is_good = ran["skip"] == 0 and ran["once"] <= 1 and on_time_or(found["once"]) == 1
    is_good = is_good and on_time_or(found["all"]) == slots["all"] >= least
    report(fault=f"everything away for {AWAY:.0f} s, a run each {EVERY} s", missed=slots,
           caught_up=ran, on_time={policy: on_time_or(each) - ran[policy]
                                   for policy, each in found.items()},
           seconds_after_return=round(time.monotonic() - began, 1), load=os.getloadavg()[0],
           verdict="ok" if is_good else "failed")  # fmt: skip
    assert is_good


def ended(held, name, last):
    """The slots entered at the first look after the return, once none of them is open."""
    batch = held.rows(BATCH, name, last)
    return all(state in {"done", "skipped"} for state, _trigger in batch) and batch


def caught_up(batch):
    return sum(each == ("done", "catch-up") for each in batch)


def on_time_or(batch):
    """All that ran, also the newest slot where the return fell into its time."""
    return sum(state == "done" for state, _trigger in batch)


def test_a_task_at_work_outlives_the_broker_and_runs_once(tmp_path):
    with crew(tmp_path / "data", workers=1, works=2, every=5, seconds=(LONG, SHORT)) as held:
        run = wait_for(lambda: first(held, "fault.0"), 60)
        os.kill(broker_pid(held), signal.SIGKILL)
        held.broker.stop()
        time.sleep(WITHOUT_BROKER)
        held.start_broker()
        back = time.time()
        wait_for(lambda: [each for each in lines(held, "effect") if each["run"] == run], 60)
        wait_for(lambda: len(marks(held, back)) >= MARKS, 120)
        [(state, attempt)] = held.rows("SELECT state, attempt FROM operations_run WHERE id=?", run)
        begun = sum(each["run"] == run for each in lines(held, "begin"))
        effects = sum(each["run"] == run for each in lines(held, "effect"))
        twice = len(lines(held, "repeat"))
        soonest = min(marks(held, back)) - back
    is_good = (state, attempt, begun, effects, twice) == ("done", 1, 1, 1, 0)
    report(fault=f"broker killed while a task of {LONG:.0f} s is at work", away=WITHOUT_BROKER,
           state=state, begun=begun, effects=effects, marks_after=MARKS,
           first_mark_seconds=round(soonest, 1), load=os.getloadavg()[0],
           verdict="ok" if is_good else "failed")  # fmt: skip
    assert is_good


def lines(held, what, name=""):
    return [each for each in held.noted() if each["what"] == what and each["name"].startswith(name)]


def first(held, name):
    return next((each["run"] for each in lines(held, "begin", name)), None)


def marks(held, since):
    """When the short task left its mark after that time."""
    return [each["at"] for each in lines(held, "effect", "fault.1") if each["at"] > since]
