import os
import threading

import pytest

from aethercrown.background import PeriodicThread


@pytest.fixture
def looks():
    return []


@pytest.fixture
def watch(looks):
    made = PeriodicThread(lambda: looks.append(threading.current_thread()), 0.01, "watch")
    yield made
    made.stopping.set()


def test_it_starts_with_the_first_request_of_a_server_and_once(watch, looks):
    watch.ensure_started()
    assert watch.thread is None
    watch.start_on_request()
    watch.ensure_started(sender=object)
    first = watch.thread
    watch.ensure_started()
    assert watch.thread is first
    while not looks:
        threading.Event().wait(0.01)
    assert set(looks) == {first}


def test_many_requests_at_once_start_one_thread(watch, at_once):
    watch.start_on_request()
    at_once(watch.ensure_started, 8)
    mine = [each for each in threading.enumerate() if each is watch.thread]
    assert len(mine) == 1


def test_a_failure_is_logged_and_the_next_turn_comes(caplog):
    turns = threading.Semaphore(0)

    def look():
        turns.release()
        raise ValueError("the database is gone")

    watch = PeriodicThread(look, 0.01, "watch")
    watch.start_on_request()
    watch.ensure_started()
    assert turns.acquire(timeout=5)
    assert turns.acquire(timeout=5)
    watch.stopping.set()
    if watch.thread:
        watch.thread.join(5)
    assert "tries again" in caplog.text


def test_a_keeper_stores_at_each_turn_and_once_more_at_the_end():
    turns: list[int] = []

    def store():
        turns.append(1)
        if len(turns) == 3:
            keeper.stopping.set()

    keeper = PeriodicThread(store, 0.001, "keeper", final_call=True)
    keeper.start_on_request()
    keeper.ensure_started()
    assert keeper.thread is not None
    keeper.thread.join(10)
    assert len(turns) == 4
    keeper.stop()
    assert len(turns) == 4


def test_a_forked_process_starts_a_thread_of_its_own(watch):
    watch.start_on_request()
    watch.ensure_started()
    first = watch.thread
    pid = os.fork()
    if pid == 0:
        before = watch.is_running()
        watch.ensure_started()
        os._exit(0 if not before and watch.thread is not first and watch.thread.is_alive() else 1)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert watch.thread is first


def test_a_process_that_serves_nothing_starts_no_thread():
    keeper = PeriodicThread(list, 60, "keeper", final_call=True)
    keeper.ensure_started()
    keeper.stop()
    assert keeper.thread is None


def test_a_process_starts_one_thread_however_often_it_wakes():
    keeper = PeriodicThread(list, 60, "keeper", final_call=True)
    keeper.start_on_request()
    keeper.ensure_started()
    first = keeper.thread
    keeper.ensure_started()
    assert keeper.thread is first
    keeper.stop()
    assert first is not None
    assert not first.is_alive()


def test_one_that_begins_at_once_does_not_wait_for_its_interval():
    called = threading.Event()
    thread = PeriodicThread(called.set, 3_600, "test", at_once=True)
    thread.start()
    assert called.wait(10)
    thread.stop()
