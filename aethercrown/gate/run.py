"""Runs the checks. Their output passes through; each process ends when this one does."""

import argparse
import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import environ

from aethercrown import data_dir
from aethercrown.crypto import keyring
from aethercrown.embedded import parent_death, postgres
from aethercrown.embedded.prefixed_output import print_lines
from aethercrown.embedded.servers import ServerUnavailable
from aethercrown.gate import selection, steps
from aethercrown.gate.steps import GatePlan, GateStep, StepResult

INTERRUPTED = 130  # the exit code of a program that Ctrl-C ended
SHOWN_FAILURES = 8


def main(arguments: list[str]) -> int:
    """Run every check; with --changed a quick part, with arguments after -- only those tests."""
    options = parser().parse_args(arguments)
    environ.Env.read_env(data_dir.ROOT / ".env")
    if os.environ.get("MAKELEVEL"):  # a make that is killed must not leave us behind
        parent_death.die_with_parent(os.getppid(), signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(INTERRUPTED))
    return run(options, os.environ, GatePlan())


def run(options: argparse.Namespace, given: Mapping[str, str], plan: GatePlan) -> int:
    """Run the plan, or the part chosen, in the environment given; the exit code."""
    try:
        with environment(given) as settings:
            if options.tests:
                return run_tests(options, settings, plan)
            if options.changed is not None:
                return run_changed(options.changed, settings, plan)
            return run_all(settings, plan)
    except ServerUnavailable as reason:
        print_lines([str(reason)], sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="manage.py test", description=main.__doc__)
    options.add_argument("--on", choices=["postgresql", "sqlite"], default="sqlite")
    options.add_argument(
        "--changed",
        metavar="COMMIT",
        nargs="?",
        const="",
        help="Static checks, and on SQLite the tests of what differs from COMMIT and of what is "
        "above that, without coverage. Without COMMIT: of what is not pushed yet.",
    )
    options.add_argument(
        "--cover",
        metavar="FOLDERS",
        help="With tests named: what of these folders (comma separated) the tests do not run.",
    )
    options.add_argument("tests", nargs="*", help="After --: arguments of pytest, without the gate")
    return options


@contextlib.contextmanager
def environment(given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The steps' environment, with a data folder of their own; nothing of .env decides a test."""
    folder = Path(tempfile.mkdtemp(prefix="aethercrown-gate-"))
    chosen = {name: text for name, text in given.items() if name not in {"DEBUG", "HTTPS"}}
    chosen.update(
        DJANGO_SETTINGS_MODULE="aethercrown.settings", DATA_DIR=str(folder), DEBUG="False"
    )
    chosen.setdefault("ENCRYPTION_KEYS", keyring.new_entry())
    chosen["PYTHONPATH"] = str(data_dir.ROOT)
    chosen["COVERAGE_FOLDER"] = str(folder / "coverage")
    chosen["FAILED_TESTS_FILE"] = str(folder / "failed_tests")
    chosen.pop("COVERED", None)
    chosen.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would compile all of it
    try:
        yield chosen
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def database(settings: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A real PostgreSQL: the one that DATABASE_URL names, or one of our own for the block."""
    if settings.get("DATABASE_URL"):
        yield dict(settings)
        return
    with postgres.running() as cluster:
        yield {**settings, "DATABASE_URL": cluster.url("aethercrown")}


def run_tests(options: argparse.Namespace, settings: Mapping[str, str], plan: GatePlan) -> int:
    """Only the tests named, on one database, without the other checks."""
    step = GateStep("tests", plan.suite(options.tests, 0))
    measured = {**settings, **({"COVERED": options.cover} if options.cover else {})}
    if options.on == "postgresql":
        with database(measured) as served:
            code = run_step(step, served).code
    else:
        code = run_step(step, {**measured, "DATABASE_URL": ""}).code
    return (run_step(plan.coverage, measured).code or code) if options.cover else code


def run_changed(since: str, settings: Mapping[str, str], plan: GatePlan) -> int:
    """The static checks, and the tests that `selection` picks, on SQLite and without coverage."""
    try:
        since = since or selection.unpushed_since(data_dir.ROOT)
        changed = selection.changed_files(data_dir.ROOT, since)
    except subprocess.CalledProcessError as error:
        print_lines([f"git cannot compare with {since}: {error.stderr.strip()}"], sys.stderr)
        return 2
    except FileNotFoundError:
        print_lines(["There is no git on the PATH to say what changed; run: make test"], sys.stderr)
        return 2
    tests = [
        str(path.relative_to(data_dir.ROOT))
        for pattern in selection.test_paths(changed)
        for path in sorted(data_dir.ROOT.glob(pattern))
    ]
    print_lines([f"{len(changed)} files differ from {since}; tests: {' '.join(tests)}"])
    suite = GateStep("tests on SQLite", plan.suite(("--hypothesis-profile=gate", *tests), 2))
    without = {**settings, "DATABASE_URL": ""}
    return report(plan.in_parallel[:1], [*plan.quick], lambda: [run_step(suite, without)], without)


def run_all(settings: Mapping[str, str], plan: GatePlan) -> int:
    """Every check. What takes long and needs no server runs beside the rest, at low priority."""

    def rest() -> list[StepResult]:
        results = run_suites(settings, plan)
        return [
            *results,
            run_step(plan.coverage, {**settings, "COVERED": ",".join(selection.APPS)}),
        ]

    return report(plan.in_parallel, plan.quick, rest, settings)


def report(
    in_parallel: tuple[GateStep, ...] | list[GateStep],
    quick: tuple[GateStep, ...] | list[GateStep],
    rest: Callable[[], list[StepResult]],
    settings: Mapping[str, str],
) -> int:
    """Run `quick`, then `rest`, with `in_parallel` beside them; print the table; the exit code.

    The first failed tests stand above the table: the end of a long log is what people keep.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as background:
        slow = [background.enter_context(run_beside(step, settings)) for step in in_parallel]
        results = [run_step(step, settings) for step in quick]
        results += rest()
        results += [finish() for finish in slow]
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    table = steps.table(results, time.monotonic() - began, cpu_seconds)
    print_lines(["", *failed_tests(settings), *table])
    return int(any(each.code for each in results))


def failed_tests(settings: Mapping[str, str]) -> list[str]:
    """What the test runs wrote of their failures (tests/conftest.py): at most SHOWN_FAILURES."""
    written = Path(settings.get("FAILED_TESTS_FILE", os.devnull))
    lines = written.read_text().splitlines() if written.exists() else []
    more = len(lines) - SHOWN_FAILURES
    return [*lines[:SHOWN_FAILURES], *([f"and {more} more failed tests"] if more > 0 else [])]


@contextlib.contextmanager
def run_beside(step: GateStep, settings: Mapping[str, str]) -> Iterator[Callable[[], StepResult]]:
    """Start a step whose output is kept; what is yielded waits for its end and prints that."""
    with tempfile.TemporaryFile() as printed:
        began = time.monotonic()
        process = start(step, settings, printed.fileno(), nice=10)

        def finish() -> StepResult:
            result = wait(step, process, began)
            heading(step)
            printed.seek(0)
            print_lines(printed.read().decode("utf-8", "replace").splitlines())
            return result

        yield finish


def run_suites(settings: Mapping[str, str], plan: GatePlan) -> list[StepResult]:
    """The suite on PostgreSQL, then what differs there on SQLite.

    The second measures coverage only of features that have code of their own for each database.
    """
    first, second = (plan.suite(steps.suite_options(again=again), 2) for again in (False, True))
    features = selection.feature_folders(selection.vendor_specific_modules(data_dir.ROOT))
    with database({**settings, "COVERED": ",".join(selection.APPS)}) as served:
        on_postgresql = run_step(GateStep("tests on PostgreSQL", first), served)
    without = {**settings, "DATABASE_URL": "", "COVERED": ",".join(features)}
    return [on_postgresql, run_step(GateStep("tests on SQLite", second), without)]


def run_step(step: GateStep, settings: Mapping[str, str]) -> StepResult:
    """Run one step to its end."""
    heading(step)
    began = time.monotonic()
    return wait(step, start(step, settings), began)


def wait(step: GateStep, process: "subprocess.Popen[bytes]", began: float) -> StepResult:
    """Wait for the end of a step; its CPU time includes that of its child processes."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return StepResult(step.name, process.returncode, time.monotonic() - began, cpu_seconds)


def start(
    step: GateStep, settings: Mapping[str, str], output: int | None = None, *, nice: int = 0
) -> "subprocess.Popen[bytes]":
    """Start a step from the repository's folder; it ends when this process does."""
    prefix = ["/usr/bin/env", "nice", "-n", str(nice)] if nice else []
    command = parent_death.command_line(
        signal.SIGKILL, 0, str(data_dir.ROOT), [*prefix, *step.command]
    )
    return subprocess.Popen(  # noqa: S603 - our own command line, no shell
        command, env=dict(settings), stdin=subprocess.DEVNULL, stdout=output, stderr=output
    )


def heading(step: GateStep) -> None:
    print_lines(["", f"=== {step.name}"])
