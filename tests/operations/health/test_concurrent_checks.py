import queue
import threading

import pytest

from operations.health import concurrent_checks
from operations.health.concurrent_checks import Board, Countdown, Job, Stalls
from operations.health.state_machine import HEALTHY, UNHEALTHY, UNKNOWN, Observation

GOOD = Observation(HEALTHY)


def fine(_seconds):
    return GOOD


@pytest.fixture
def over():
    """Set at the test's end, so that what hangs ends too."""
    event = threading.Event()
    yield event
    event.set()


def test_every_look_is_given_its_seconds_and_timed():
    given = []

    def looked(seconds):
        given.append(seconds)
        return GOOD

    found = Board().perform([Job("a", looked), Job("b", fine)], 2.0)
    assert given == [2.0]
    assert found["a"].ms is not None
    assert {each.status for each in found.values()} == {HEALTHY}


def test_a_failure_has_no_answer_time():
    bad = Observation(UNHEALTHY, kind="refused")
    assert Board().perform([Job("a", lambda _: bad)], 1.0) == {"a": bad}


def test_nothing_to_look_at_is_nothing_seen():
    assert Board().perform([], 1.0) == {}


def test_one_that_hangs_holds_up_no_other_and_is_not_begun_twice(over):
    begun = []

    def hang(_seconds):
        begun.append(1)
        over.wait(10)
        return GOOD

    board = Board()
    for _ in range(2):
        found = board.perform([Job("hung", hang), Job("fine", fine)], 0.05)
        assert (found["hung"].status, found["hung"].kind) == (UNHEALTHY, "timeout")
        assert found["fine"].status == HEALTHY
    assert len(begun) == 1


def test_a_look_that_raises_is_a_failure_told_without_its_words():
    def broken(_seconds):
        raise ValueError("password=hunter22")

    found = Board().perform([Job("a", broken)], 1.0)["a"]
    assert (found.status, found.kind) == (UNHEALTHY, "error")
    assert found.error == "The check itself failed: ValueError."


def test_what_found_no_thread_in_time_is_unknown_and_never_begun(over):
    begun = []

    def hang(_seconds):
        over.wait(10)
        return GOOD

    def late(_seconds):
        begun.append(1)
        return GOOD

    found = Board().perform([Job("hung", hang), Job("late", late)], 0.05, most=1)
    assert (found["late"].status, found["late"].kind) == (UNKNOWN, "late")
    over.set()
    assert begun == []


def test_a_timeout_of_a_machine_that_stalls_is_unknown_and_a_refusal_is_not():
    late = concurrent_checks.late("late")
    refused = Observation(UNHEALTHY, kind="refused")
    assert concurrent_checks.judged(late, begun=True, is_stalled=True).status == UNKNOWN
    assert concurrent_checks.judged(None, begun=True, is_stalled=True).kind == "stalled"
    assert concurrent_checks.judged(refused, begun=True, is_stalled=True) == refused
    assert concurrent_checks.judged(None, begun=True, is_stalled=False).kind == "timeout"
    assert concurrent_checks.judged(GOOD, begun=True, is_stalled=True) == GOOD


def test_a_step_that_takes_long_is_a_stall():
    stalls = Stalls()
    stalls.note(0.06)
    assert stalls.seconds == 0
    stalls.note(0.55)
    assert stalls.seconds == pytest.approx(0.5)


def test_the_watcher_samples_by_its_clock():
    ticks = iter(range(10**6))
    with Stalls(lambda: float(next(ticks))) as stalls:
        while not stalls.seconds:
            threading.Event().wait(0.01)
    assert stalls.seconds >= 0.9


def test_what_nobody_has_begun_is_taken_away():
    waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
    waiting.put(Job("a", fine))
    concurrent_checks.drain(waiting)
    assert waiting.empty()


def test_threads_are_begun_only_while_there_is_need_and_the_system_gives_some():
    ran = []

    def work():
        ran.append(1)

    concurrent_checks.start(work, 5, until=lambda: len(ran) == 2)
    assert len(ran) == 2

    def none_left(**_):
        raise RuntimeError("can't start new thread")

    concurrent_checks.start(work, 5, until=lambda: False, thread=none_left)
    assert len(ran) == 2


def test_a_countdown_is_over_at_zero_and_at_once_where_there_is_nothing():
    assert Countdown(0).over.is_set()
    left = Countdown(2)
    left.tick()
    assert not left.over.is_set()
    left.tick()
    assert left.over.is_set()
