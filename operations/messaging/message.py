"""A message before it is a row: text for an e-mail, plain values for a webhook. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MAX_TITLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """`key` identifies the event; the destination is appended to it."""

    key: str
    title: str
    text: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HeardWord:
    """What a destination was sent of an alert: the event, the severity it told, and when."""

    event: str
    severity: str
    at: datetime


def subject_line(title: str) -> str:
    """A title as the subject of an e-mail: one line, at most MAX_TITLE_CHARACTERS."""
    return " ".join(title.split())[:MAX_TITLE_CHARACTERS]


def webhook_body(payload: Mapping[str, Any], event_key: str) -> bytes:
    """A webhook's body as canonical JSON: the same bytes at every try."""
    whole = {"id": event_key, **payload}
    return json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def mail_message_id(event_key: str, host: str) -> str:
    """A Message-ID by which mail programs recognise a second copy."""
    left = "".join(each if each.isalnum() and each.isascii() else "." for each in event_key)
    return f"<{left}@{host}>"
