"""What people read, and what webhooks carry."""

import pytest

from operations.alerts import event_messages

ALERT = {
    "source": "health", "kind": "down", "subject": "db", "title": "health: down, db",
    "severity": "critical", "state": "open", "message": "No answer.", "link": "", "path": "",
    "count": 1,
    "first_seen_at": "2026-11-20T12:00:00+00:00", "last_seen_at": "2026-11-20T12:05:00+00:00",
}  # fmt: skip
AT = "2026-11-20T12:05:00+00:00"


@pytest.mark.parametrize(
    ("event", "title"),
    [
        (event_messages.OPENED, "[critical] health: down, db"),
        (event_messages.ESCALATED, "[critical] health: down, db: now critical"),
        (event_messages.REMINDER, "[critical] health: down, db: still open"),
        (event_messages.RESOLVED, "[critical] health: down, db: resolved"),
    ],
)
def test_each_event_has_its_title(event, title):
    letter = event_messages.event_message("key", event, ALERT, AT)
    assert (letter.key, letter.title, letter.payload["event"]) == ("key", title, event)
    assert letter.text.startswith(f"{title}\n\nNo answer.\nFirst seen at 2026-11-20 12:00 UTC.")


def test_counts_and_links_are_written_where_there_are_some():
    text = event_messages.event_message(
        "k", event_messages.OPENED, {**ALERT, "count": 3, "link": "/admin/"}, AT
    ).text
    assert "Seen 3 times, last at 2026-11-20 12:05 UTC." in text
    assert "Look at /admin/" in text


def test_a_page_whose_host_is_not_known_is_named_by_its_path():
    text = event_messages.event_message(
        "k", event_messages.OPENED, {**ALERT, "path": "/dashboards/health"}, AT
    ).text
    assert "Look at the page /dashboards/health (PUBLIC_URL is not set: no host is known)." in text


@pytest.mark.parametrize(
    ("path", "public_url", "expected"),
    [
        ("/admin/", "https://crown.example.org", "https://crown.example.org/admin/"),
        ("/admin/", "", ""),
        ("//evil.example/", "https://crown.example.org", "//evil.example/"),
        ("https://wiki.example.org/runbook", "", "https://wiki.example.org/runbook"),
        ("", "https://crown.example.org", ""),
    ],
)
def test_a_link_opens_anywhere_or_is_left_out(path, public_url, expected):
    assert event_messages.absolute_url(path, public_url) == expected


def test_a_digest_counts_and_lists():
    one, two = (event_messages.digest_message("k", [ALERT] * count, AT) for count in (1, 2))
    assert (one.title, two.title) == (
        "[AetherCrown] 1 open alert", "[AetherCrown] 2 open alerts",
    )  # fmt: skip
    assert two.text.startswith("Open on 2026-11-20:\n\n[critical] health: down, db\nNo answer.")
    assert len(two.payload["alerts"]) == 2
