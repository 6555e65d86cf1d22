"""The checks by name, and the table of their results. Pure."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

APPS = (
    "aethercrown",
    "operations",
    "security",
    "revenue",
    "marketing",
    "enterprise",
    "dashboards",
)
WITH_FEATURES = ("enterprise", "marketing", "revenue", "security", "operations")
TOUCHING_DJANGO = ("models", "reports", "api", "admin", "tasks")
PYTHON = sys.executable
SHARING = ("--dist", "worksteal")  # a few tests take long: who is done takes over from the others


@dataclass(frozen=True, slots=True)
class Step:
    """One check: its name in the table and its command."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step went: exit code, duration, and the processors' time; both in seconds."""

    name: str
    code: int
    seconds: float
    worked: float


def python(name: str, *arguments: str) -> Step:
    return Step(name, (PYTHON, *arguments))


BESIDE = (
    python("types", "-m", "mypy", *APPS, "tests", "manage.py"),
    python("known faults", "-m", "bandit", "-q", "-c", "pyproject.toml", "-r", *APPS, "manage.py"),
)
QUICK = (
    python("format", "-m", "ruff", "format", "--check", "."),
    python("lint", "-m", "ruff", "check", "."),
    Step("layers", (PYTHON, "-c", "from importlinter.cli import lint_imports_command as c; c()")),
    python("migrations", "manage.py", "makemigrations", "--check", "--dry-run"),
    python("deploy check", "manage.py", "check", "--deploy", "--fail-level", "WARNING"),
)


def suite(arguments: Sequence[str], processes: int) -> tuple[str, ...]:
    """The command that runs the tests, or those that `arguments` name."""
    workers = ("-n", str(processes), *SHARING)
    return (PYTHON, "-m", "pytest", "--ds=tests.settings", *workers, *arguments)


def measured(*, again: bool) -> tuple[str, ...]:
    """Options of a run that counts for the coverage; the second adds to the first.

    What no database decides is left out of the second, and its lines are counted only where a
    feature has a way of its own for each database: `tests.tracing`. Half the examples of a
    property are enough here: each run draws others.
    """
    first = ("--cov", "--cov-report=", "--cov-fail-under=0")
    second = ("-p", "tests.tracing", "-m", "not fault and not once")
    return ("--hypothesis-profile=gate", *(second if again else first))


def coverage() -> tuple[Step, ...]:
    """Put together what both runs have covered; then two questions to it."""
    includes = ",".join(f"{app}/*/*.py" for app in WITH_FEATURES)
    omitted = ["*/migrations/*", "*/management/*", *(f"*/{name}.py" for name in TOUCHING_DJANGO)]
    whole = ("--include", includes, "--omit", ",".join(omitted), "--fail-under", "100")
    return (
        python("both runs", "-m", "coverage", "combine", "--append", "--quiet"),
        python("coverage", "-m", "coverage", "report", "--skip-covered", "--skip-empty"),
        python(
            "pure, services", "-m", "coverage", "report", "--skip-covered", "--skip-empty", *whole
        ),
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What the gate consists of: `beside` goes on while the others come one after the other.

    `suite` makes a command of arguments and a number of processes.
    """

    beside: tuple[Step, ...] = BESIDE
    quick: tuple[Step, ...] = QUICK
    suite: Callable[[Sequence[str], int], tuple[str, ...]] = suite
    coverage: tuple[Step, ...] = coverage()


def table(outcomes: Iterable[Outcome], seconds: float, worked: float) -> list[str]:
    """One line a step, and the whole in the last.

    The processors' time tells what a step costs, also on a machine that is busy with more.
    """
    rows = list(outcomes)
    width = max(len(each.name) for each in rows)
    lines = [
        f"{each.name:<{width}}  {'ok' if not each.code else f'FAILED ({each.code})':<12}"
        f"{each.seconds:7.1f} s{each.worked:9.1f} s of CPU"
        for each in rows
    ]
    failed = sum(bool(each.code) for each in rows)
    verdict = f"{failed} of {len(rows)} steps failed" if failed else f"All {len(rows)} steps passed"
    return [*lines, f"{verdict} in {seconds:.0f} s, {worked:.0f} s of CPU."]
