import os
import signal

import pytest

from aethercrown.embedded.servers import Unavailable
from aethercrown.gate import run, steps
from aethercrown.gate.steps import Outcome, Step
from tests import rig

FAILING = Step("fails", (steps.PYTHON, "-c", "raise SystemExit(3)"))
PASSING = Step("passes", (steps.PYTHON, "-c", ""))


def test_the_table_has_a_line_a_step_and_a_verdict():
    outcomes = [Outcome("lint", 0, 1.25), Outcome("types", 1, 30.0)]
    assert steps.table(outcomes, 31.4) == [
        "lint   ok              1.2 s",
        "types  FAILED (1)     30.0 s",
        "1 of 2 steps failed in 31 s.",
    ]
    assert steps.table(outcomes[:1], 2)[-1] == "All 1 steps passed in 2 s."


def test_every_app_is_checked_for_types_and_every_feature_for_its_coverage():
    on_disk = {path.parent.name for path in rig.ROOT.glob("*/apps.py")}
    assert set(steps.APPS) == on_disk
    assert set(steps.WITH_FEATURES) == on_disk - {"aethercrown", "dashboards"}


@pytest.fixture
def quick(monkeypatch):
    """The gate with steps that take no time."""
    monkeypatch.setattr(steps, "TYPES", PASSING)
    monkeypatch.setattr(steps, "QUICK", (PASSING, PASSING))
    monkeypatch.setattr(steps, "coverage", lambda: (PASSING,))
    monkeypatch.setattr(steps, "suite", lambda _arguments, **_options: PASSING.command)
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    monkeypatch.delenv("MAKELEVEL", raising=False)
    former = signal.getsignal(signal.SIGTERM)
    yield monkeypatch
    signal.signal(signal.SIGTERM, former)


def test_a_gate_without_a_failure_ends_with_0(quick, capfd):
    assert run.main([]) == 0
    assert capfd.readouterr().out.splitlines()[-1].startswith("All 6 steps passed in ")


def test_one_failure_fails_the_gate_and_the_other_steps_still_run(quick, capfd):
    quick.setattr(steps, "TYPES", FAILING)
    assert run.main([]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1].startswith("1 of 6 steps failed in ")
    assert lines[-5].split()[:3] == ["fails", "FAILED", "(3)"]


@pytest.mark.parametrize(("on", "url"), [("sqlite", ""), ("postgresql", "postgresql://x/y")])
def test_named_tests_run_alone_on_the_database_chosen(quick, capfd, on, url):
    quick.setenv("DATABASE_URL", "postgresql://x/y")
    script = "import os; print('url', os.environ['DATABASE_URL'], flush=True)"
    quick.setattr(steps, "suite", lambda names, **_o: (steps.PYTHON, "-c", script, *names))
    assert run.main(["--on", on, "--", "tests/x", "-k", "one"]) == 0
    assert f"url {url}".strip() in [line.strip() for line in capfd.readouterr().out.splitlines()]


def test_without_a_server_a_postgresql_is_started_for_the_block():
    with run.database({}) as served:
        folder = served["DATABASE_URL"].removeprefix("postgresql://postgres@/").rpartition("/")[0]
        assert os.path.exists(f"{folder}/.s.PGSQL.5432")  # noqa: PTH110 - a socket's path, as text
    assert not os.path.exists(folder)  # noqa: PTH110 - the same


def test_no_server_to_be_had_is_one_sentence(quick, capsys):
    def unavailable(*_arguments):
        raise Unavailable("There is no PostgreSQL for this kind of machine.")

    quick.setattr(run, "whole", unavailable)
    assert run.main([]) == 1
    assert capsys.readouterr().err == "There is no PostgreSQL for this kind of machine.\n"


def test_ctrl_c_stops_it(quick):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    quick.setattr(run, "whole", interrupted)
    assert run.main([]) == 130


def test_the_second_run_adds_to_the_coverage_of_the_first():
    assert "--cov-append" not in steps.measured(again=False)
    assert "--cov-append" in steps.measured(again=True)
