"""The loop with real forks; each test has a supervisor of its own and short-lived children."""
# ruff: noqa: T201 - the children print

import io
import os
import signal
import socket
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.embedded.lock import is_alive
from aethercrown.embedded.supervisor import (
    LONGEST_PAUSE_SECONDS,
    WINDOW_SECONDS,
    RestartLimitReached,
    RestartPolicy,
    StopRequested,
    Supervisor,
)

pytestmark = pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"
)


@pytest.fixture
def supervisor(tmp_path, capsys):
    made = Supervisor(logs=tmp_path)
    with made.listening():
        yield made
        made.stop()
    made.selector.close()


def until(supervisor, condition) -> None:
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up
        supervisor.tick(0.02)


def sleep():
    time.sleep(60)


def test_a_child_runs_once_and_its_output_is_logged(supervisor, tmp_path):
    assert supervisor.finish(supervisor.run_once("set-up", lambda: print("done"))) == 0
    assert (tmp_path / "set-up.log").read_text() == "done\n"


def test_a_child_that_fails_logs_its_error(supervisor, tmp_path):
    def fail():
        raise ValueError("no such thing")

    assert supervisor.finish(supervisor.run_once("set-up", fail)) == 1
    assert "ValueError: no such thing" in (tmp_path / "set-up.log").read_text()


@pytest.mark.parametrize(("code", "status"), [(0, 0), (None, 0), (7, 7), ("words", 1)])
def test_a_child_that_exits_has_the_status_it_chose(supervisor, code, status):
    assert supervisor.finish(supervisor.run_once("set-up", lambda: sys.exit(code))) == status


def test_more_output_than_a_pipe_holds_does_not_block(supervisor, tmp_path):
    assert supervisor.finish(supervisor.run_once("set-up", lambda: print("x" * 300_000))) == 0
    assert (tmp_path / "set-up.log").stat().st_size == 300_001


def test_a_child_outlives_a_listener_that_hangs_up(supervisor, tmp_path):
    def write():
        ours, theirs = socket.socketpair()
        theirs.close()
        try:
            ours.sendall(b"x")
        except BrokenPipeError:
            print("hung up")

    assert supervisor.finish(supervisor.run_once("set-up", write)) == 0
    assert (tmp_path / "set-up.log").read_text() == "hung up\n"


def test_a_supervised_child_that_ended_is_restarted(supervisor, capsys):
    supervisor.supervise("web", sleep, grace=1)
    first = supervisor.processes[0].child
    assert first
    os.kill(first.pid, signal.SIGKILL)
    until(supervisor, lambda: (supervisor.processes[0].child or first) is not first)
    assert supervisor.processes[0].child.pid != first.pid
    assert "web ended with status -9; it starts again in 0.5 s." in capsys.readouterr().out


def test_five_exits_stop_everything_and_show_the_last_output(supervisor):
    def complain():
        print("cannot go on")
        sys.exit(3)

    supervisor.supervise("web", complain, grace=1, first_pause=0)
    with pytest.raises(
        RestartLimitReached, match=r"(?s)web ended with status 3, for the 5th.*cannot go on"
    ):
        until(supervisor, lambda: False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_requests_the_stop(supervisor, number):
    supervisor.supervise("web", sleep, grace=30)
    os.kill(os.getpid(), number)
    with pytest.raises(StopRequested):
        supervisor.tick(5)
    child = supervisor.processes[0].child
    supervisor.stop()
    assert child.status == -signal.SIGTERM
    assert supervisor.processes[0].child is None


def test_a_stop_requested_during_the_set_up_ends_it(supervisor):
    supervisor.stop_requests = 1
    with pytest.raises(StopRequested):
        supervisor.finish(supervisor.run_once("set-up", sleep))


def test_the_last_started_is_stopped_first(supervisor, tmp_path):
    def start(name):
        def leave(_number, _frame):
            os.write(1, str(time.monotonic()).encode())  # a print may be going on
            os._exit(0)

        def run():
            signal.signal(signal.SIGTERM, leave)
            print("ready")
            while True:
                time.sleep(0.05)  # a signal just before a long sleep would be noticed after it

        supervisor.supervise(name, run, grace=30)

    for name in ("worker", "web", "beat"):
        start(name)
    logs = {each.name: tmp_path / f"{each.name}.log" for each in supervisor.processes}
    until(supervisor, lambda: all(log.exists() for log in logs.values()))
    supervisor.stop()
    times = {name: float(log.read_text().split()[1]) for name, log in logs.items()}
    assert times["beat"] < times["web"] < times["worker"]


def ignore_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready")
    time.sleep(60)


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(supervisor, tmp_path):
    supervisor.supervise("web", ignore_sigterm, grace=0.1)
    until(supervisor, (tmp_path / "web.log").exists)
    child = supervisor.processes[0].child
    supervisor.stop()
    assert child.status == -signal.SIGKILL


def test_a_second_request_does_not_wait_for_the_grace(supervisor, tmp_path):
    supervisor.supervise("web", ignore_sigterm, grace=1000)
    until(supervisor, (tmp_path / "web.log").exists)
    child = supervisor.processes[0].child
    signal.signal(signal.SIGALRM, supervisor.request_stop)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    supervisor.stop()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert child.status == -signal.SIGKILL


def test_the_children_of_an_ended_child_are_killed(supervisor, tmp_path):
    def leave_one_behind():
        left = os.fork()
        if left == 0:
            time.sleep(60)
        print(left)
        os.kill(os.getpid(), signal.SIGKILL)

    supervisor.supervise("web", leave_one_behind, grace=1)
    until(supervisor, lambda: supervisor.processes[0].restarts.times)
    left = int((tmp_path / "web.log").read_text().split()[0])
    until(supervisor, lambda: not is_alive(str(left)))


def test_output_goes_to_the_chosen_terminal(supervisor):
    terminal = io.StringIO()
    printer = supervisor.printer("web")
    printer.terminal = terminal
    child = supervisor.start("web", lambda: print("hello"), printer)
    while not child.ended():
        supervisor.read_output(0.05)
    supervisor.read_rest(child)
    assert terminal.getvalue() == "web    | hello\n"


def test_a_first_death_waits_half_a_second_and_each_further_one_twice_as_long():
    restarts = RestartPolicy()
    pauses = []
    for now in (0.0, 1.0, 2.0):
        restarts.note(now)
        pauses.append(restarts.pause())
    assert pauses == [0.5, 1.0, 2.0]


def test_nothing_died_so_nothing_waits():
    assert RestartPolicy().pause() == 0.0
    assert not RestartPolicy().gave_up()


@pytest.mark.parametrize(("last", "too_many"), [(59.9, True), (60.0, False)])
def test_five_deaths_within_a_minute_are_too_many(last, too_many):
    restarts = RestartPolicy()
    for now in (0.0, 10.0, 20.0, 30.0, last):
        restarts.note(now)
    assert restarts.gave_up() is too_many


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200).map(sorted))
def test_only_the_last_minute_counts_and_no_pause_exceeds_the_longest(times):
    restarts = RestartPolicy()
    for now in times:
        restarts.note(now)
    assert list(restarts.times) == [each for each in times if each > times[-1] - WINDOW_SECONDS]
    assert 0 < restarts.pause() <= LONGEST_PAUSE_SECONDS
