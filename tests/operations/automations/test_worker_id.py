import os
import re
import subprocess
import sys

from operations.automations import worker_id


def test_this_process_is_named_by_its_machine_and_is_not_gone():
    assert worker_id.current() == f"{worker_id.HOST}:{os.getpid()}"
    assert not worker_id.is_gone(worker_id.current())


def test_a_process_of_this_machine_that_ended_is_gone(tmp_path):
    here = f"{worker_id.host()}"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert worker_id.is_gone(f"{here}:{ended.pid}", here) == ("/" in here)


def test_nothing_is_said_of_another_place_or_of_what_is_no_number():
    for each in ("elsewhere/12345678:1", f"{worker_id.HOST}:one", f"{worker_id.HOST}:", ""):
        assert not worker_id.is_gone(each)


def test_where_the_system_does_not_say_the_lease_decides(tmp_path):
    host = worker_id.host(tmp_path / "none")
    assert "/" not in host
    assert not worker_id.is_gone(f"{host}:999999999", host)


def test_another_kernel_or_another_space_is_another_place(tmp_path):
    (tmp_path / "boot").write_text("a\n")
    (tmp_path / "other").write_text("b\n")
    (tmp_path / "space").symlink_to("pid:[1]")
    (tmp_path / "inner").symlink_to("pid:[2]")
    places = {
        worker_id.host(tmp_path / boot, tmp_path / space)
        for boot in ("boot", "other")
        for space in ("space", "inner")
    }
    assert len(places) == 4
    assert all(re.fullmatch(r".+/[0-9a-f]{8}", place) for place in places)


def test_a_process_of_somebody_else_lives(tmp_path):
    here = "host/12345678"
    assert not worker_id.is_gone(f"{here}:1", here)
