"""Carries the checks out. What the steps print passes through; each is tied to this process."""

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
from aethercrown.embedded.prefixed_output import say
from aethercrown.embedded.servers import Unavailable
from aethercrown.gate import steps
from aethercrown.gate.steps import Outcome, Plan, Step

STOPPED = 130  # what a shell answers after Ctrl-C


def main(arguments: list[str]) -> int:
    """Run the gate, or with arguments only those tests, on the database chosen."""
    chosen = parser().parse_args(arguments)
    environ.Env.read_env(data_dir.ROOT / ".env")
    if os.environ.get("MAKELEVEL"):  # a make that is killed must not leave us behind
        parent_death.tie(os.getppid(), signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(STOPPED))
    return answered(chosen, os.environ, Plan())


def answered(chosen: argparse.Namespace, given: Mapping[str, str], plan: Plan) -> int:
    """Carry out the plan, or the part chosen, in the environment given; the exit code."""
    try:
        with environment(given) as settings:
            if chosen.tests:
                return part(chosen.tests, settings, plan, on=chosen.on)
            return whole(settings, plan)
    except Unavailable as reason:
        say([str(reason)], sys.stderr)
        return 1
    except KeyboardInterrupt:
        return STOPPED


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="manage.py test", description=main.__doc__)
    options.add_argument("--on", choices=["postgresql", "sqlite"], default="sqlite")
    options.add_argument("tests", nargs="*", help="After --: arguments of pytest, without the gate")
    return options


@contextlib.contextmanager
def environment(given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The steps' environment, with a data folder of their own; nothing of .env decides a test."""
    folder = Path(tempfile.mkdtemp(prefix="aethercrown-gate-"))
    kept = {name: text for name, text in given.items() if name not in {"DEBUG", "HTTPS"}}
    kept.update(DJANGO_SETTINGS_MODULE="aethercrown.settings", DATA_DIR=str(folder), DEBUG="False")
    kept.setdefault("ENCRYPTION_KEYS", keyring.new_entry())
    kept["PYTHONPATH"] = str(data_dir.ROOT)
    kept["COVERAGE_FILE"] = str(folder / "coverage")
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would compile all of it again
    try:
        yield kept
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


def part(arguments: list[str], settings: Mapping[str, str], plan: Plan, *, on: str) -> int:
    """Only the tests named, on one database, without the other checks."""
    step = Step("tests", plan.suite(arguments, 0))
    if on == "postgresql":
        with database(settings) as served:
            return carried_out(step, served).code
    return carried_out(step, {**settings, "DATABASE_URL": ""}).code


def whole(settings: Mapping[str, str], plan: Plan) -> int:
    """Everything. What takes long and no server goes on beside the rest, at a low priority."""
    began = time.monotonic()
    with contextlib.ExitStack() as beside:
        slow = [beside.enter_context(aside(step, settings)) for step in plan.beside]
        outcomes = [carried_out(step, settings) for step in plan.quick]
        outcomes += suites(settings, plan)
        outcomes += [carried_out(step, settings) for step in plan.coverage]
        outcomes += [ended() for ended in slow]
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = usage.ru_utime + usage.ru_stime
    say(["", *steps.table(outcomes, time.monotonic() - began, worked)])
    return int(any(each.code for each in outcomes))


@contextlib.contextmanager
def aside(step: Step, settings: Mapping[str, str]) -> Iterator[Callable[[], Outcome]]:
    """Start a step that keeps what it prints; the answer waits for its end and shows it."""
    with tempfile.TemporaryFile() as printed:
        began = time.monotonic()
        process = start(step, settings, printed.fileno(), lower=10)

        def ended() -> Outcome:
            outcome = waited_for(step, process, began)
            heading(step)
            printed.seek(0)
            say(printed.read().decode("utf-8", "replace").splitlines())
            return outcome

        yield ended


def suites(settings: Mapping[str, str], plan: Plan) -> list[Outcome]:
    """The suite on PostgreSQL, and again on SQLite."""
    first, second = (plan.suite(steps.measured(again=again), 2) for again in (False, True))
    with database(settings) as served:
        on_postgresql = carried_out(Step("tests on PostgreSQL", first), served)
    without = {**settings, "DATABASE_URL": ""}
    return [on_postgresql, carried_out(Step("tests on SQLite", second), without)]


def carried_out(step: Step, settings: Mapping[str, str]) -> Outcome:
    """Run one step to its end."""
    heading(step)
    began = time.monotonic()
    return waited_for(step, start(step, settings), began)


def waited_for(step: Step, process: "subprocess.Popen[bytes]", began: float) -> Outcome:
    """The end of a step, with the processors' time of its processes."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    worked = usage.ru_utime + usage.ru_stime
    return Outcome(step.name, process.returncode, time.monotonic() - began, worked)


def start(
    step: Step, settings: Mapping[str, str], output: int | None = None, *, lower: int = 0
) -> "subprocess.Popen[bytes]":
    """Start a step from the repository's folder, tied to this process."""
    nice = ["/usr/bin/env", "nice", "-n", str(lower)] if lower else []
    command = parent_death.command_line(
        signal.SIGKILL, 0, str(data_dir.ROOT), [*nice, *step.command]
    )
    return subprocess.Popen(  # noqa: S603 - our own command line, no shell
        command, env=dict(settings), stdin=subprocess.DEVNULL, stdout=output, stderr=output
    )


def heading(step: Step) -> None:
    say(["", f"=== {step.name}"])
