"""The first page over the demo company: one card for each system."""

from datetime import UTC, datetime

import pytest

from aethercrown import demo
from dashboards.overview.views import overview_data
from security.rotation import services as rotation
from tests import snapshot

NOW = datetime(2026, 1, 16, 5, tzinfo=UTC)


@pytest.fixture
def cards(db):
    snapshot.loaded("the demo company of the overview", lambda: demo.seed(NOW.date()))
    return lambda: {each.title: each for each in overview_data(NOW).systems}


def test_every_system_has_a_card_with_a_figure(cards):
    found = cards()
    assert found["Marketing budget"].status == "proposed"
    assert found["Recurring revenue"].figure.startswith("MRR $")
    assert "measured against the expectation" in found["Decisions"].note
    assert found["AI tasks"].figure.endswith(" running")
    assert found["Health"].figure.endswith(" work")
    assert found["Keys"].figure == "No keys yet"
    assert found["Alerts"].figure.endswith(" open")


def test_a_registered_key_is_counted_with_its_next_rotation(cards):
    rotation.register("billing", "signing_secret", owner="Billing")
    card = cards()["Keys"]
    assert (card.figure, card.status) == ("0 of 1 overdue", "healthy")
    assert "next is billing on " in card.note


def test_the_page_shows_the_cards(cards, page):
    text = page.get("/").content.decode()
    assert "What needs attention" in text
    for title in cards():
        assert title in text
