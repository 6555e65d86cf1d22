"""What features register of their messages, by the start of the key: listeners, and topics."""

from collections.abc import Callable
from dataclasses import dataclass

from aethercrown.registry import Registry


@dataclass(frozen=True, slots=True)
class SentListener:
    """`sent` gets the key of a sent message that starts with `name`; it may be called again."""

    name: str
    sent: Callable[[str], None]


sent_listeners = Registry[SentListener]("listener of sent messages")


@dataclass(frozen=True, slots=True)
class StateTopic:
    """Messages whose key starts with `name` and a number tell the state of one thing.

    Once a destination got a newer one, the older ones that still wait are not sent to it.
    """

    name: str


state_topics = Registry[StateTopic]("topic of messages")


def subject_prefix(event_key: str) -> str:
    """How the keys of all messages about the same thing start; empty without a state."""
    for each in state_topics:
        if event_key.startswith(each.name):
            number = event_key.removeprefix(each.name).partition(":")[0]
            return f"{each.name}{number}:"
    return ""
