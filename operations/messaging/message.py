"""A message before it is a row: words for an e-mail, plain values for a webhook."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """`key` names the event; the destination's is added to it."""

    key: str
    title: str
    text: str
    payload: Mapping[str, Any]


def subject_line(title: str) -> str:
    """A title that fits a mail's subject: one line, not endless."""
    return " ".join(title.split())[:LONGEST_TITLE]


def webhook_body(payload: Mapping[str, Any], event_key: str) -> bytes:
    """A webhook's body: the same bytes at every try."""
    whole = {"id": event_key, **payload}
    return json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def message_id(event_key: str, host: str) -> str:
    """A Message-ID by which mail programs see that a second copy is the same letter."""
    left = "".join(each if each.isalnum() and each.isascii() else "." for each in event_key)
    return f"<{left}@{host}>"
