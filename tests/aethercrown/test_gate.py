import dataclasses
import os
import subprocess
import sys

import pytest

from aethercrown.embedded.servers import Unavailable
from aethercrown.gate import run, steps
from aethercrown.gate.steps import Outcome, Step
from tests import rig, tracing

FAILING = Step("fails", ("/bin/sh", "-c", "exit 3"))
PASSING = Step("passes", ("/bin/sh", "-c", ""))


def test_the_table_has_a_line_a_step_and_a_verdict():
    outcomes = [Outcome("lint", 0, 1.25, 1.0), Outcome("types", 1, 30.0, 28.5)]
    assert steps.table(outcomes, 31.4, 29.6) == [
        "lint   ok              1.2 s      1.0 s of CPU",
        "types  FAILED (1)     30.0 s     28.5 s of CPU",
        "1 of 2 steps failed in 31 s, 30 s of CPU.",
    ]
    assert steps.table(outcomes[:1], 2, 1)[-1] == "All 1 steps passed in 2 s, 1 s of CPU."


def test_every_app_is_checked_for_types_and_every_feature_for_its_coverage():
    on_disk = {path.parent.name for path in rig.ROOT.glob("*/apps.py")}
    assert set(steps.APPS) == on_disk
    assert set(steps.WITH_FEATURES) == on_disk - {"aethercrown", "dashboards"}


GIVEN = {"DATABASE_URL": "postgresql://x/y", "DEBUG": "1", "PATH": os.environ["PATH"]}
QUICK = steps.Plan(
    beside=(PASSING,),
    quick=(PASSING, PASSING),
    suite=lambda _arguments, _processes: PASSING.command,
    coverage=(PASSING,),
)


def answer(plan, *arguments, given=GIVEN):
    return run.answered(run.parser().parse_args(arguments), given, plan)


def test_a_gate_without_a_failure_ends_with_0(capfd):
    assert answer(QUICK) == 0
    assert capfd.readouterr().out.splitlines()[-1].startswith("All 6 steps passed in ")


def test_one_failure_fails_the_gate_and_the_other_steps_still_run(capfd):
    assert answer(dataclasses.replace(QUICK, beside=(FAILING,))) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1].startswith("1 of 6 steps failed in ")
    assert lines[-2].split()[:3] == ["fails", "FAILED", "(3)"]


@pytest.mark.parametrize(("on", "url"), [("sqlite", ""), ("postgresql", "postgresql://x/y")])
def test_named_tests_run_alone_on_the_database_chosen(capfd, on, url):
    def suite(names, processes):
        return ("/bin/sh", "-c", f'echo "{processes} $DATABASE_URL $DEBUG" "$@"', "sh", *names)

    plan = dataclasses.replace(QUICK, suite=suite)
    assert answer(plan, "--on", on, "--", "tests/x", "-k", "one") == 0
    assert f"0 {url} False tests/x -k one" in capfd.readouterr().out.splitlines()


def test_without_a_server_a_postgresql_is_started_for_the_block():
    with run.database({}) as served:
        folder = served["DATABASE_URL"].removeprefix("postgresql://postgres@/").rpartition("/")[0]
        assert os.path.exists(f"{folder}/.s.PGSQL.5432")  # noqa: PTH110 - a socket's path, as text
    assert not os.path.exists(folder)  # noqa: PTH110 - the same


@pytest.mark.parametrize(
    ("ending", "code", "told"),
    [
        (Unavailable("There is no PostgreSQL."), 1, "There is no PostgreSQL.\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_ends_it_early_is_told_in_one_sentence(capsys, ending, code, told):
    def suite(_arguments, _processes):
        raise ending

    assert answer(dataclasses.replace(QUICK, suite=suite)) == code
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("through_make", [False, True])
def test_the_command_hands_its_arguments_to_pytest(through_make):
    ours = {*rig.OWN, "TESTS_FOLDER", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"}
    surroundings = {name: text for name, text in os.environ.items() if name not in ours}
    if through_make:
        surroundings["MAKELEVEL"] = "1"
    done = subprocess.run(
        [sys.executable, "manage.py", "test", "--", "--version"],
        cwd=rig.ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"pytest {pytest.__version__}" in done.stdout
    assert done.returncode == 0


def test_the_second_run_counts_only_what_has_two_ways():
    assert "--cov" in steps.measured(again=False)
    assert "--cov" not in steps.measured(again=True)
    assert "tests.tracing" in steps.measured(again=True)


def test_features_with_two_ways_are_found():
    assert "security/audit" in tracing.with_two_ways()
    assert not [each for each in tracing.with_two_ways() if each.startswith("tests")]
