"""The checks by name, and the table of their results. Pure."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from aethercrown.gate.selection import APPS

APPS_WITH_FEATURES = ("enterprise", "marketing", "revenue", "security", "operations")
DJANGO_MODULES = ("models", "reports", "api", "admin", "tasks")  # not held to 100 % coverage
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
    workers = ("-n", str(processes), *SHARING)
    return (PYTHON, "-m", "pytest", "--ds=tests.settings", *workers, *arguments)


def suite_options(*, again: bool) -> tuple[str, ...]:
    """Options of the first run (PostgreSQL, with coverage) or of the run `again` (SQLite).

    The second leaves out what no database decides and what only shapes HTTP, and measures
    coverage only for features that have code of their own for each database: tests.second_run.
    Properties draw half the usual examples: each run draws others.
    """
    first = ("--cov", "--cov-report=", "--cov-fail-under=0")
    second = ("-p", "tests.second_run", "-m", "not fault and not once")
    return ("--hypothesis-profile=gate", *(second if again else first))


def coverage_steps() -> tuple[GateStep, ...]:
    """Combine the data of both runs, then check the two bars: 95 % of all, 100 % of pure code."""
    includes = ",".join(f"{app}/*/**/*.py" for app in APPS_WITH_FEATURES)
    omitted = ["*/migrations/*", "*/management/*"]
    omitted += [f"*/{name}{ending}" for name in DJANGO_MODULES for ending in (".py", "/*.py")]
    strict = ("--include", includes, "--omit", ",".join(omitted), "--fail-under", "100")
    report = ("-m", "coverage", "report", "--skip-covered", "--skip-empty")
    return (
        python("combine", "-m", "coverage", "combine", "--append", "--quiet"),
        python("coverage", *report),
        python("pure, services", *report, *strict),
    )


@dataclass(frozen=True, slots=True)
class GatePlan:
    """What the gate consists of: `in_parallel` runs while the others follow one another.

    `suite` makes a command of arguments and a number of processes.
    """

    in_parallel: tuple[GateStep, ...] = IN_PARALLEL
    quick: tuple[GateStep, ...] = QUICK
    suite: Callable[[Sequence[str], int], tuple[str, ...]] = pytest_command
    coverage: tuple[GateStep, ...] = coverage_steps()


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
