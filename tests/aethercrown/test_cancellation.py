"""A calculation stops at a checkpoint, and only where somebody asked for that."""

import pytest

from aethercrown import cancellation


class Stopped(Exception):
    pass


def stop():
    raise Stopped


def test_outside_a_block_a_checkpoint_does_nothing():
    cancellation.checkpoint()


def test_a_check_holds_inside_its_block_only():
    with cancellation.checking(stop), pytest.raises(Stopped):
        cancellation.checkpoint()
    cancellation.checkpoint()


def test_an_inner_block_keeps_the_outer_check():
    with cancellation.checking(stop), cancellation.deadline(10), pytest.raises(Stopped):
        cancellation.checkpoint()


def test_a_deadline_stops_after_its_seconds():
    now = [100.0]
    with cancellation.deadline(5, lambda: now[0]):
        now[0] += 5
        cancellation.checkpoint()
        now[0] += 0.1
        with pytest.raises(cancellation.DeadlineExceeded, match="longer than 5 s"):
            cancellation.checkpoint()
