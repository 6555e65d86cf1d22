"""Pricing's pages and screens in a real browser: nothing overflows, complains or is too pale."""

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client
from django.utils import timezone

from revenue.pricing import services
from revenue.pricing.calculation.inputs import read_inputs
from revenue.pricing.seeding import seed_default_book
from security.access.models import User
from tests.browser import external, programs
from tests.page_checks import PALE, SHAPES

FOUND = programs()
pytestmark = [
    pytest.mark.skipif(FOUND is None, reason="needs chromium and chromedriver on the PATH"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.fault,  # `make browser` opens each page of the product
]


@pytest.fixture
def paths(live_server, window):
    """The addresses of pages with something on them, a superuser signed in."""
    settings.SECURE_SSL_REDIRECT = False
    seed_default_book(apps)
    now = timezone.now()
    usage = {"api_calls": 123_456, "storage_gb": 250, "user_seats": 60}
    known = read_inputs(usage, {"daily_active_rate": 0.75}, {"employee_count": 5000})
    quote, _ = services.create_quote("enterprise", known, now=now, by="ada")
    draft = services.draft("standard", effective_from=now.date(), now=now)
    price = draft.prices.get(plan__code="enterprise")
    price.base_price = 599
    price.save()
    person = User.objects.create_superuser("root", password="a-long-password-1")  # noqa: S106
    client = Client()
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    window.sign_in(live_server.url, name, client.cookies[name].value)
    pages = (
        "/dashboards/pricing",
        f"/dashboards/pricing/versions/{draft.pk}",
        f"/dashboards/pricing/quotes/{quote.quote_id}",
    )
    return live_server.url, pages, f"/admin/revenue/pricebookversion/{draft.pk}/change/"


def test_no_page_of_pricing_complains_overflows_or_is_pale(paths, window):
    site, pages, screen = paths
    window.requests()
    for path in (*pages, screen):
        for width, height, dark in SHAPES:
            window.resize(width, height, dark=dark)
            window.visit(site + path)
            where = f"{path} at {width}, {'dark' if dark else 'light'}"
            assert window.run("return location.pathname") == path, where
            assert window.console_problems() == [], where
            assert external(window.requests()) == [], where
            assert window.run("return document.documentElement.scrollWidth") <= width, where
            assert path == screen or window.run(PALE) == [], where
