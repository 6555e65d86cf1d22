import threading

import pytest

from aethercrown.background import Watch


@pytest.fixture
def looks():
    return []


@pytest.fixture
def watch(looks):
    made = Watch(lambda: looks.append(threading.current_thread()), 0.01)
    yield made
    made.over.set()


def test_it_starts_with_the_first_request_of_a_server_and_once(watch, looks):
    watch.wake()
    assert watch.thread is None
    watch.serve()
    watch.wake(sender=object)
    first = watch.thread
    watch.wake()
    assert watch.thread is first
    while not looks:
        threading.Event().wait(0.01)
    assert set(looks) == {first}


def test_many_requests_at_once_start_one_thread(watch, at_once):
    watch.serve()
    at_once(watch.wake, 8)
    mine = [each for each in threading.enumerate() if each is watch.thread]
    assert len(mine) == 1


def test_a_failure_is_logged_and_the_next_turn_comes(caplog):
    turns = threading.Semaphore(0)

    def look():
        turns.release()
        raise ValueError("the database is gone")

    watch = Watch(look, 0.01)
    watch.serve()
    watch.wake()
    assert turns.acquire(timeout=5)
    assert turns.acquire(timeout=5)
    watch.over.set()
    if watch.thread:
        watch.thread.join(5)
    assert "tries again" in caplog.text
