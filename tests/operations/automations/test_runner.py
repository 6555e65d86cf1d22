from datetime import timedelta

import pytest

from aethercrown.registry import UnknownName
from operations.automations.models import Automation, Run
from operations.automations.registry import RunOutcome
from operations.automations.run_rules import RunResult
from operations.automations.runner import AutomationRunner
from tests.operations.conftest import NOON

ONE = NOON + timedelta(hours=1)


def failing(_context):
    raise ValueError("no rows")


@pytest.fixture
def runner():
    return AutomationRunner(clock=lambda: ONE)


def told(results):
    return [(each.automation, each.state) for each in results]


def test_one_pass_runs_what_is_due_in_fixed_order(automation, runner):
    automation("churn", every=timedelta(days=1))
    automation("budget")
    automation("ads")
    assert told(runner.run_all_tasks()) == [
        ("ads", "done"),
        ("budget", "done"),
        ("churn", "not due"),
    ]


def test_a_second_pass_finds_nothing_due(automation, runner):
    automation()
    runner.run_all_tasks()
    assert told(runner.run_all_tasks()) == [("ads", "not due")]


def test_progress_is_reported_before_each(automation, runner, contexts):
    automation("ads")
    automation("budget")
    seen = []
    runner.run_all_tasks(progress=lambda *step: seen.append((*step, len(contexts))))
    assert seen == [("ads", 1, 2, 0), ("budget", 2, 2, 1)]


def test_a_failure_stops_no_other(automation, runner):
    automation("ads", perform=failing)
    automation("budget")
    assert told(runner.run_all_tasks()) == [("ads", "failed"), ("budget", "done")]


def test_one_that_is_off_is_left_out_unless_it_is_named(automation, runner):
    automation()
    Automation.objects.update(is_enabled=False)
    assert runner.run_all_tasks() == []
    assert runner.run_all_tasks(force=True) == []
    assert told(runner.run_all_tasks(only=["ads"])) == [("ads", "done")]


def test_all_can_be_forced_due_or_not(automation, runner):
    automation(every=timedelta(days=1))
    assert told(runner.run_all_tasks(force=True)) == [("ads", "done")]
    assert Run.objects.get().trigger == "manual"


def test_an_unknown_name_runs_nothing_at_all(automation, runner, contexts):
    automation()
    with pytest.raises(UnknownName, match="Known: ads"):
        runner.run_all_tasks(only=["ads", "nobody"])
    assert contexts == []


def test_a_dry_pass_computes_all_and_keeps_nothing(automation, runner, contexts):
    automation(every=timedelta(days=1))
    assert told(runner.run_all_tasks(dry_run=True)) == [("ads", "dry run")]
    assert contexts[0].dry_run
    assert not Run.objects.exists()


def test_it_goes_on_until_it_is_stopped(automation, runner):
    automation()
    passes = []

    def report(results):
        passes.append(told(results))
        if len(passes) == 2:
            runner.stop()

    runner.run_continuous(check_interval_minutes=0, report=report)
    assert passes == [[("ads", "done")], [("ads", "not due")]]


def test_stopping_finishes_the_step_and_begins_no_other(automation, runner):
    def stopping(_context):
        runner.stop()
        return RunOutcome("The step was finished.")

    automation("ads", perform=stopping)
    automation("budget")
    passes: list[list[RunResult]] = []
    runner.run_continuous(report=passes.append)
    assert [told(each) for each in passes] == [[("ads", "done")]]


def test_without_a_reader_of_reports_it_runs_all_the_same(automation, runner, contexts):
    def stopping(_context):
        runner.stop()
        return RunOutcome("Done.")

    automation("ads", perform=stopping)
    runner.run_continuous(check_interval_minutes=30)
    assert Run.objects.get().state == "done"


def test_its_own_clock_is_in_utc():
    assert AutomationRunner()._clock().utcoffset() == timedelta(0)
