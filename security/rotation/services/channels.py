"""Test delivery channels with the current value."""

from datetime import datetime

from django.db import transaction

from aethercrown.backup import automation_pause
from aethercrown.transitions import InvalidTransition
from security.rotation.models import KeyChannel
from security.rotation.registry import channels
from security.rotation.services import execute, orders, steps
from security.rotation.services.steps import Clock, RotationRequest

PURPOSE = "test channel"
PULLED = "It is tested by the first read with its API key."


def ask_for_test(channel: KeyChannel, now: datetime) -> None:
    """A worker tests it soon. Raises InvalidTransition for one that only its user can test."""
    if not channels.get(channel.kind).acts:
        raise InvalidTransition(PULLED)
    steps.ask_for_test(channel, now)
    transaction.on_commit(orders.wake_worker, robust=True)


def run_asked_tests(clock: Clock = steps.database_now) -> int:
    """Test the channels that staff asked to test; returns how many work.

    A test writes the current value: after a restore only where it was asked for since.
    """
    asked = KeyChannel.objects.exclude(test_wanted_at=None).select_related("key").order_by("pk")
    if restored_at := automation_pause.since():
        asked = asked.filter(test_wanted_at__gte=restored_at)
    return sum(check(each, clock) for each in asked)


def check(channel: KeyChannel, clock: Clock = steps.database_now) -> bool:
    """Set the current value there and use it; whether that worked. The key is leased meanwhile."""
    target = channels.get(channel.kind)
    try:
        with execute.leased(channel.key, RotationRequest(PURPOSE, clock=clock)) as attempt:
            current = steps.current_version(attempt.key)
            context = execute.context_for(attempt.key, current, channel)
            error = "" if current else "The key has no current value."
            try:
                if current is not None:
                    target.set(context)
                    target.test(context)
            except Exception as failure:  # noqa: BLE001 - whatever it is, the channel fails
                error = execute.error_message(failure)
            steps.release(attempt.lease)
    except steps.RotationInProgress:
        return False  # the next look tests it
    steps.note_channel_test(channel, clock(), error)
    return not error
