import threading

import pytest

from operations.health import concurrent_checks
from operations.health.concurrent_checks import CheckRunner, StallSampler
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

    found = CheckRunner().run({"a": looked, "b": fine}, 2.0)
    assert given == [2.0]
    assert found["a"].response_ms is not None
    assert {each.status for each in found.values()} == {HEALTHY}


def test_a_failure_has_no_answer_time():
    bad = Observation(UNHEALTHY, error_kind="refused")
    assert CheckRunner().run({"a": lambda _: bad}, 1.0) == {"a": bad}


def test_nothing_to_look_at_is_nothing_seen():
    assert CheckRunner().run({}, 1.0) == {}


def test_a_hanging_check_delays_no_other_and_is_not_started_twice(over):
    started = []

    def hang(_seconds):
        started.append(1)
        over.wait(10)
        return GOOD

    runner = CheckRunner()
    for _ in range(2):
        found = runner.run({"hung": hang, "fine": fine}, 0.05)
        assert (found["hung"].status, found["hung"].error_kind) == (UNHEALTHY, "timeout")
        assert found["fine"].status == HEALTHY
    assert len(started) == 1


def test_a_check_that_raises_is_a_failure_without_the_text_of_its_error():
    def broken(_seconds):
        raise ValueError("password=hunter22")

    found = CheckRunner().run({"a": broken}, 1.0)["a"]
    assert (found.status, found.error_kind) == (UNHEALTHY, "error")
    assert found.error == "The check itself failed: ValueError."


def test_a_check_that_found_no_thread_in_time_is_unknown(over):
    started = []

    def hang(_seconds):
        over.wait(10)
        return GOOD

    def late(_seconds):
        started.append(1)
        return GOOD

    found = CheckRunner().run({"hung": hang, "late": late}, 0.05, max_threads=1)
    assert (found["late"].status, found["late"].error_kind) == (UNKNOWN, "late")
    over.set()
    assert started == []


def test_a_timeout_of_a_machine_that_stalls_is_unknown_and_a_refusal_is_not():
    late = concurrent_checks.timed_out("late")
    refused = Observation(UNHEALTHY, error_kind="refused")
    assert (
        concurrent_checks.final_observation(late, was_started=True, is_stalled=True).status
        == UNKNOWN
    )
    assert (
        concurrent_checks.final_observation(None, was_started=True, is_stalled=True).error_kind
        == "stalled"
    )
    assert (
        concurrent_checks.final_observation(refused, was_started=True, is_stalled=True) == refused
    )
    assert (
        concurrent_checks.final_observation(None, was_started=True, is_stalled=False).error_kind
        == "timeout"
    )
    assert concurrent_checks.final_observation(GOOD, was_started=True, is_stalled=True) == GOOD


def test_a_step_that_takes_long_is_a_stall():
    stalls = StallSampler()
    stalls.add_step(0.06)
    assert stalls.seconds == 0
    stalls.add_step(0.55)
    assert stalls.seconds == pytest.approx(0.5)


def test_the_watcher_samples_by_its_clock():
    ticks = iter(range(10**6))
    with StallSampler(lambda: float(next(ticks))) as stalls:
        while not stalls.seconds:
            threading.Event().wait(0.01)
    assert stalls.seconds >= 0.9


def test_a_check_that_found_no_thread_in_time_is_never_started():
    release, is_over = threading.Event(), threading.Event()
    ran: list[float] = []

    def hanging(seconds):
        release.wait(30)
        threading.Timer(0.1, is_over.set).start()
        return fine(seconds)

    def noted(seconds):
        ran.append(seconds)
        return fine(seconds)

    jobs = {"a": hanging, "b": noted}
    found = CheckRunner().run(jobs, 0.05, max_threads=1)
    release.set()
    assert is_over.wait(30)
    assert (found["b"].error_kind, ran) == ("late", [])


def test_threads_are_started_only_while_checks_wait_and_the_system_allows_more():
    ran = []

    def work():
        ran.append(1)

    concurrent_checks.start_threads(work, 5, until=lambda: len(ran) == 2)
    assert len(ran) == 2

    def none_left(**_):
        raise RuntimeError("can't start new thread")

    concurrent_checks.start_threads(work, 5, until=lambda: False, thread=none_left)
    assert len(ran) == 2
