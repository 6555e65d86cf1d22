import pytest

from aethercrown.embedded import valkey
from aethercrown.embedded.broker import EmbeddedBroker


class Answers:
    """Says what it is told to say, for a broker that hangs without ending."""

    def __init__(self) -> None:
        self.yes = True

    def __call__(self) -> bool:
        return self.yes


@pytest.fixture
def broker(tmp_path):
    address = valkey.free_address()

    def launch():
        return valkey.launch(tmp_path, address)

    made = EmbeddedBroker(launch=launch, answers=Answers(), server=launch())
    made.server.wait_until(address.answers)
    yield made
    made.server.stop()


def test_a_broker_that_answers_is_left_alone(broker):
    server = broker.server
    assert [broker.check(now) for now in (0.0, 0.5, 1.0, 2.0)] == [None] * 4
    assert broker.server is server


def test_a_broker_that_ended_is_started_again_at_the_next_look(broker):
    broker.check(0.0)
    ended = broker.server
    ended.stop()
    assert broker.check(0.9) is None  # not yet due
    assert "started again" in broker.check(1.0)
    assert broker.server.pid != ended.pid


def test_three_misses_in_a_row_are_needed_while_it_still_runs(broker):
    broker.answers.yes = False
    assert [broker.check(now) for now in (0.0, 1.0)] == [None, None]
    broker.answers.yes = True
    assert broker.check(2.0) is None
    broker.answers.yes = False
    assert [broker.check(now) for now in (3.0, 4.0)] == [None, None]
    assert "started again" in broker.check(5.0)


def test_the_pause_after_a_restart_doubles_up_to_half_a_minute(broker):
    broker.answers.yes = False
    pauses, now = [], 0.0
    for _ in range(7):
        broker.misses = 2
        assert broker.check(now)
        pauses.append(broker.next_ping - now)
        now = broker.next_ping
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
