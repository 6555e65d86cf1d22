"""The text and the webhook payload of an alert's events."""

from collections.abc import Mapping, Sequence
from typing import Any

from aethercrown.formatting import counted
from operations.messaging.message import OutgoingMessage, subject_line

ALERT_KEY = "alert:"  # followed by its id and the event
OPENED, ESCALATED, REMINDER, RESOLVED = "opened", "escalated", "reminder", "resolved"
FLAPPING = "flapping"
TITLES = {
    OPENED: "{title}",
    ESCALATED: "{title}: now {severity}",
    REMINDER: "{title}: still open",
    RESOLVED: "{title}: resolved",
    FLAPPING: "{title}: opens and ends again and again; the next message tells when it is steady",
}


def absolute_url(path: str, public_url: str) -> str:
    """The URL of a path of this site; empty if PUBLIC_URL is not set."""
    if path.startswith("/") and not path.startswith("//"):
        return f"{public_url}{path}" if public_url else ""
    return path


def event_message(key: str, event: str, alert: Mapping[str, Any], at: str) -> OutgoingMessage:
    """The message of one event; `alert` holds the values that the webhook sends."""
    title = subject_line(f"[{alert['severity']}] {TITLES[event].format(**alert)}")
    text = "\n".join([title, "", *_details(alert), ""])
    return OutgoingMessage(key, title, text, {"event": event, "at": at, "alert": dict(alert)})


def digest_message(key: str, alerts: Sequence[Mapping[str, Any]], at: str) -> OutgoingMessage:
    """The daily list of alerts, in the order given."""
    title = f"[AetherCrown] {counted(len(alerts), 'open alert')}"
    lines = [f"Open on {at[:10]}:", ""]
    for alert in alerts:
        lines += [f"[{alert['severity']}] {alert['title']}", *_details(alert), ""]
    payload = {"event": "digest", "at": at, "alerts": [dict(each) for each in alerts]}
    return OutgoingMessage(key, title, "\n".join(lines), payload)


def _details(alert: Mapping[str, Any]) -> list[str]:
    lines = [alert["message"]]
    if alert["count"] > 1:
        lines.append(f"Seen {alert['count']} times, last at {_minute(alert['last_seen_at'])}.")
    lines.append(f"First seen at {_minute(alert['first_seen_at'])}.")
    if alert["link"]:
        lines.append(f"Look at {alert['link']}")
    elif alert["path"]:
        lines.append(f"Look at the page {alert['path']} (PUBLIC_URL is not set: no host is known).")
    return lines


def _minute(written: str) -> str:
    return f"{written[:16].replace('T', ' ')} UTC"
