"""Who is told that a message was sent; features register themselves by the start of its key."""

from collections.abc import Callable
from dataclasses import dataclass

from aethercrown.registry import Registry


@dataclass(frozen=True, slots=True)
class SentListener:
    """`sent` gets the key of a sent message that starts with `name`; it may be called again."""

    name: str
    sent: Callable[[str], None]


sent_listeners = Registry[SentListener]("listener of sent messages")
