"""An alert's events in words, and as webhooks carry them."""

from collections.abc import Mapping, Sequence
from typing import Any

from operations.messaging.message import OutgoingMessage, subject_line

OPENED, ESCALATED, REMINDER, RESOLVED = "opened", "escalated", "reminder", "resolved"
HEADS = {
    OPENED: "{title}",
    ESCALATED: "{title}: now {severity}",
    REMINDER: "{title}: still open",
    RESOLVED: "{title}: resolved",
}


def absolute_url(path: str, public_url: str) -> str:
    """A path of ours as an address that opens anywhere; empty where our own host is not known."""
    if path.startswith("/") and not path.startswith("//"):
        return f"{public_url}{path}" if public_url else ""
    return path


def event_message(key: str, event: str, alert: Mapping[str, Any], at: str) -> OutgoingMessage:
    """One event of one alert, which is given as plain values."""
    title = subject_line(f"[{alert['severity']}] {HEADS[event].format(**alert)}")
    text = "\n".join([title, "", *_facts(alert), ""])
    return OutgoingMessage(key, title, text, {"event": event, "at": at, "alert": dict(alert)})


def digest_message(key: str, alerts: Sequence[Mapping[str, Any]], at: str) -> OutgoingMessage:
    """The day's list, in the order given."""
    count = len(alerts)
    title = f"[AetherCrown] {count} open alert{'' if count == 1 else 's'}"
    lines = [f"Open on {at[:10]}:", ""]
    for alert in alerts:
        lines += [f"[{alert['severity']}] {alert['title']}", *_facts(alert), ""]
    payload = {"event": "digest", "at": at, "alerts": [dict(each) for each in alerts]}
    return OutgoingMessage(key, title, "\n".join(lines), payload)


def _facts(alert: Mapping[str, Any]) -> list[str]:
    facts = [alert["message"]]
    if alert["count"] > 1:
        facts.append(f"Seen {alert['count']} times, last at {_moment(alert['last_seen_at'])}.")
    facts.append(f"First seen at {_moment(alert['first_seen_at'])}.")
    if alert["link"]:
        facts.append(f"Look at {alert['link']}")
    elif alert["path"]:
        facts.append(f"Look at the page {alert['path']} (PUBLIC_URL is not set: no host is known).")
    return facts


def _moment(written: str) -> str:
    return f"{written[:16].replace('T', ' ')} UTC"
