import dataclasses
import os
import signal
import socket
import stat
import threading

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from aethercrown.embedded import servers, valkey
from aethercrown.embedded.servers import ServerUnavailable
from aethercrown.embedded.valkey import EmbeddedBroker


@pytest.fixture
def launched(tmp_path):
    address = valkey.free_address()
    server = valkey.launch(tmp_path, address)
    server.wait_until(address.answers)
    yield address, server
    server.stop()


def test_it_answers_only_those_who_know_the_password(launched):
    address, _server = launched
    stranger = dataclasses.replace(valkey.free_address(), port=address.port)
    assert address.answers()
    assert not stranger.answers()
    client = redis.Redis(port=address.port, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.AuthenticationError), client:
        client.ping()


def test_what_was_queued_survives_a_kill_and_a_new_start(launched, tmp_path):
    address, server = launched
    with redis.Redis.from_url(address.url) as client:
        client.rpush("queue", *range(1000))
        client.execute_command("WAITAOF", 1, 0, 5000)
    os.kill(server.pid, signal.SIGKILL)
    server.process.wait()
    assert not address.answers()

    again = valkey.launch(tmp_path, address)
    try:
        again.wait_until(address.answers)
        with redis.Redis.from_url(address.url) as client:
            assert client.llen("queue") == 1000
    finally:
        again.stop()


def test_it_stops_at_once_when_asked_and_stopping_twice_is_fine(launched):
    address, server = launched
    server.stop()
    server.stop()
    assert server.process.returncode == 0
    assert not address.answers()


def test_its_password_lies_in_a_private_file_only(launched, tmp_path):
    address, server = launched
    settings = tmp_path / "valkey" / "valkey.conf"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert address.password in settings.read_text()
    assert address.password not in " ".join(server.process.args)


def test_a_port_that_is_taken_is_told_with_the_end_of_the_log(launched, tmp_path_factory):
    address, _server = launched
    other = tmp_path_factory.mktemp("other")
    second = valkey.launch(other, dataclasses.replace(valkey.free_address(), port=address.port))
    with pytest.raises(
        ServerUnavailable, match=r"(?s)Valkey ended at its start.*in use.*valkey\.log"
    ):
        second.wait_until(lambda: False)


def test_a_server_that_never_answers_is_told_and_forced_to_end(launched):
    _address, server = launched
    with pytest.raises(ServerUnavailable, match=r"did not answer in 0\.05 s"):
        server.wait_until(lambda: False, seconds=0.05)
    os.kill(server.pid, signal.SIGSTOP)
    server.stop(seconds=0.1)
    assert server.process.returncode == -signal.SIGKILL


def test_a_large_log_makes_way_for_a_fresh_one(tmp_path):
    log = tmp_path / "log" / "valkey.log"
    log.parent.mkdir()
    log.write_bytes(b"x" * (servers.MAX_LOG_BYTES + 1))
    servers.rotate(log)
    assert not log.exists()
    assert log.with_name("valkey.log.1").stat().st_size == servers.MAX_LOG_BYTES + 1


def test_a_log_that_is_not_there_still_names_its_place(tmp_path):
    assert servers.tail(tmp_path / "none.log") == f"(log: {tmp_path / 'none.log'})"


def test_a_machine_without_a_wheel_is_told_what_to_set():
    assert valkey.binary().name == "valkey-server"
    with pytest.raises(
        ServerUnavailable, match="no Valkey for this kind of machine; set REDIS_URL"
    ):
        valkey.binary("sparc64")


def test_one_that_hangs_up_has_not_answered():
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def hang_up():
            rude.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert not dataclasses.replace(valkey.free_address(), port=rude.getsockname()[1]).answers()
        thread.join()


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
