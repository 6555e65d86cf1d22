from threading import Lock, Thread
from time import monotonic, sleep

import pytest

from aethercrown.db.sqlite.fifo_lock import FifoLock

LONG = 30.0


def until(true):
    give_up = monotonic() + LONG
    while not true():
        assert monotonic() < give_up
        sleep(0.001)


@pytest.fixture
def line():
    made = FifoLock()
    assert made.enter(0)
    return made


def test_an_empty_line_lets_in_at_once_and_again_after_leaving(line):
    line.leave()
    assert line.enter(0)


def test_whoever_waits_longest_is_next(line):
    served = []

    def serve(number):
        assert line.enter(LONG)
        served.append(number)
        line.leave()

    threads = []
    for number in range(20):
        threads.append(Thread(target=serve, args=(number,)))
        threads[-1].start()
        until(lambda number=number: len(line) == number + 1)
    line.leave()
    for thread in threads:
        thread.join(LONG)
    assert served == list(range(20))
    assert line.enter(0)


def test_whoever_waited_long_enough_steps_out_and_the_next_is_served(line):
    assert not line.enter(0.01)
    assert len(line) == 0
    line.leave()
    assert line.enter(0)


def test_only_one_is_in_at_a_time():
    line, inside, most = FifoLock(), [], []

    def work():
        for _ in range(50):
            assert line.enter(LONG)
            inside.append(1)
            most.append(len(inside))
            sleep(0)
            inside.pop()
            line.leave()

    threads = [Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert (len(most), max(most)) == (400, 1)


def test_a_turn_that_comes_at_the_last_moment_is_taken(line):
    mine = Lock()  # popped from the line already, and its owner's time is up
    assert line._late(mine)
