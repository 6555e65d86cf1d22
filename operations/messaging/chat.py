"""Messages in the formats of incoming webhooks of chats: Slack, Teams and Mattermost. Pure.

What a chat would read as markup or as a mention of people is escaped, since a message may quote
words from outside.
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

SLACK, TEAMS, MATTERMOST = "slack", "teams", "mattermost"
CHANNELS = frozenset({SLACK, TEAMS, MATTERMOST})
MAX_TEXT_CHARACTERS = {SLACK: 3_500, TEAMS: 8_000, MATTERMOST: 3_500}  # each cuts or refuses more
ADAPTIVE_CARD = "application/vnd.microsoft.card.adaptive"
_markdown = re.compile(r"([\\`*_{}\[\]()<>#+!|~-])")
_failed = re.compile(r"http error (\d{3})")
_reason = re.compile(r"[a-z][a-z_ ]{2,60}")


def chat_body(channel: str, title: str, text: str, link: str) -> bytes:
    """The body of the POST; `link` may be empty."""
    limit = MAX_TEXT_CHARACTERS[channel]
    short = text.strip()
    if len(short) > limit:
        short = f"{short[:limit]}\n[...] The rest is on the page."
    write = {SLACK: _slack, TEAMS: _teams, MATTERMOST: _mattermost}[channel]
    return json.dumps(write(title, short, link), ensure_ascii=False).encode()


def refused_status(channel: str, status: int, answer: bytes) -> int:
    """The status that counts: Teams answers 200 with another service's error in its text."""
    if channel != TEAMS or status >= HTTPStatus.MULTIPLE_CHOICES:
        return status
    found = _failed.search(_words(answer))
    return int(found[1]) if found else status


def reason(answer: bytes) -> str:
    """Why a chat refused a message, as `no_service`, or nothing."""
    words = _words(answer).strip()
    return f": {words}" if _reason.fullmatch(words) else ""


def _words(answer: bytes) -> str:
    return answer[:500].decode(errors="replace").lower()


def _slack(title: str, text: str, link: str) -> Mapping[str, Any]:
    escaped = [
        each.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for each in (title, text)
    ]
    return {"text": _lines(f"*{escaped[0]}*", escaped[1], link and f"<{link}|Open the page>")}


def _mattermost(title: str, text: str, link: str) -> Mapping[str, Any]:
    bold, plain = (_markdown.sub(r"\\\1", each).replace("@", "@\u200b") for each in (title, text))
    return {"text": _lines(f"**{bold}**", plain, link and f"[Open the page]({link})")}


def _teams(title: str, text: str, link: str) -> Mapping[str, Any]:
    plain = _markdown.sub(r"\\\1", text).replace("\n", "\n\n")
    body = [
        {"type": "TextBlock", "text": _markdown.sub(r"\\\1", title), "weight": "bolder"},
        {"type": "TextBlock", "text": plain},
    ]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{**each, "wrap": True} for each in body],
    }
    if link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open the page", "url": link}]
    return {"type": "message", "attachments": [{"contentType": ADAPTIVE_CARD, "content": card}]}


def _lines(*parts: str) -> str:
    return "\n".join(each for each in parts if each)
