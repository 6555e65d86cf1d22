"""The checks by name, and the table of their results. Pure."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from aethercrown.gate.selection import APPS

PYTHON = sys.executable
SHARING = ("--dist", "worksteal")  # an idle worker takes tests from one that has many left


@dataclass(frozen=True, slots=True)
class GateStep:
    """One check: its name in the table and its command."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step went: exit code, wall clock and CPU time in seconds."""

    name: str
    code: int
    seconds: float
    cpu_seconds: float


def python(name: str, *arguments: str) -> GateStep:
    return GateStep(name, (PYTHON, *arguments))


TYPES = python("types", "-m", "mypy", *APPS, "tests", "manage.py")
IN_PARALLEL = (
    TYPES,
    python("bandit", "-m", "bandit", "-q", "-c", "pyproject.toml", "-r", *APPS, "manage.py"),
)
STATIC = (
    python("format", "-m", "ruff", "format", "--check", "."),
    python("lint", "-m", "ruff", "check", "."),
    GateStep(
        "layers", (PYTHON, "-c", "from importlinter.cli import lint_imports_command as c; c()")
    ),
    python("migrations", "manage.py", "makemigrations", "--check", "--dry-run"),
)
QUICK = (
    *STATIC,
    python("deploy check", "manage.py", "check", "--deploy", "--fail-level", "WARNING"),
)


def pytest_command(arguments: Sequence[str], processes: int) -> tuple[str, ...]:
    """The command that runs the tests, or those that `arguments` name."""
    plugins = ("-p", "tests.branch_coverage")  # first: what is imported before it is not measured
    workers = ("-n", str(processes), *SHARING)
    return (PYTHON, "-m", "pytest", *plugins, "--ds=tests.settings", *workers, *arguments)


def suite_options(*, again: bool) -> tuple[str, ...]:
    """Options of the first run (PostgreSQL) or of the run `again` (SQLite).

    The second leaves out what no database decides and what only shapes HTTP: tests.second_run.
    Properties draw half the usual examples: each run draws others.
    """
    second = ("-p", "tests.second_run", "-m", "not fault and not once")
    return ("--hypothesis-profile=gate", *(second if again else ()))


COVERAGE = python("coverage", "-m", "aethercrown.gate.coverage_report")


@dataclass(frozen=True, slots=True)
class GatePlan:
    """What the gate consists of: `in_parallel` runs while the others follow one another.

    `suite` makes a command of arguments and a number of processes.
    """

    in_parallel: tuple[GateStep, ...] = IN_PARALLEL
    quick: tuple[GateStep, ...] = QUICK
    suite: Callable[[Sequence[str], int], tuple[str, ...]] = pytest_command
    coverage: GateStep = COVERAGE


def table(results: Iterable[StepResult], seconds: float, cpu_seconds: float) -> list[str]:
    """One line a step, and the total in the last.

    CPU time tells what a step costs, also on a machine that is busy with other work.
    """
    rows = list(results)
    width = max(len(each.name) for each in rows)
    lines = [
        f"{each.name:<{width}}  {'ok' if not each.code else f'FAILED ({each.code})':<12}"
        f"{each.seconds:7.1f} s{each.cpu_seconds:9.1f} s of CPU"
        for each in rows
    ]
    failed = sum(bool(each.code) for each in rows)
    verdict = f"{failed} of {len(rows)} steps failed" if failed else f"All {len(rows)} steps passed"
    return [*lines, f"{verdict} in {seconds:.0f} s, {cpu_seconds:.0f} s of CPU."]
