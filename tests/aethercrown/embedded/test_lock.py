# ruff: noqa: S603 - the script stands here

import os
import socket
import subprocess
import sys

import pytest

from aethercrown.embedded import lock
from aethercrown.embedded.servers import ServerUnavailable

HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
file.write(sys.argv[2]); file.flush()
print("held", flush=True)
time.sleep(float(sys.argv[3]))
"""


def test_a_folder_is_held_by_one_and_the_second_is_told_by_whom(tmp_path):
    held = lock.lock_folder(tmp_path)
    with pytest.raises(ServerUnavailable, match=f"in use by process {os.getpid()}; stop that one"):
        lock.lock_folder(tmp_path)
    os.close(held)
    os.close(lock.lock_folder(tmp_path))


def test_the_servers_of_a_killed_holder_are_waited_for(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock"), "99999999", "0.3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as orphan:
        assert orphan.stdout
        orphan.stdout.readline()
        os.close(lock.lock_folder(tmp_path))
        assert orphan.wait() == 0


def test_they_are_not_waited_for_without_end(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock"), "", "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as orphan:
        assert orphan.stdout
        orphan.stdout.readline()
        with pytest.raises(ServerUnavailable, match=r"process \(unknown\)"):
            lock.lock_folder(tmp_path, patience=0.1)
        orphan.kill()


@pytest.mark.parametrize("number", ["", "x", "-1", "99999999"])
def test_what_is_no_process_is_not_alive(number):
    assert not lock.is_alive(number)


def test_this_process_and_the_first_are_alive():
    assert lock.is_alive(str(os.getpid()))
    assert lock.is_alive("1")


def test_a_process_that_ended_and_was_not_collected_is_not_alive():
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as ended:
        assert ended.stdout
        ended.stdout.read()  # its end, before it is waited for
        while lock.is_alive(str(ended.pid)):
            pass


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_told_with_the_setting(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as taken:
        try:
            taken.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerUnavailable, match=rf"Port {port} on {host} is taken.*set PORT"):
            lock.open_listener(host, port)


def test_the_listener_is_open_at_once():
    with lock.open_listener("127.0.0.1", 0) as listener:
        socket.create_connection(listener.getsockname(), 1).close()
