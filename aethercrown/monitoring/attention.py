"""What the pages list as needing a person. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """A sentence about something that a person should look at, and the path of its page."""

    sentence: str
    link: str
