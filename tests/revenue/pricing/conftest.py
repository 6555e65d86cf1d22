"""The documented prices as published rows, a draft beside them, and a caller of revenue."""

from datetime import UTC, date, datetime

import pytest
from django.apps import apps

from revenue.pricing import reports, services
from revenue.pricing.calculation.inputs import read_inputs
from revenue.pricing.models import PlanCharge, PriceBookVersion, PricingPlan
from revenue.pricing.seeding import seed_default_book
from security.apikeys import services as keys
from tests.callers import Caller

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY = date(2026, 3, 2)
WORKED = (
    {"api_calls": 50000, "storage_gb": 250},
    {"daily_active_rate": 0.75, "tenure_months": 18},
)


@pytest.fixture(autouse=True)
def _nothing_kept():
    """No test prices by what another, here or in a folder beside, has read."""
    reports.cached_books.clear()
    yield
    reports.cached_books.clear()


@pytest.fixture
def published(db):
    """The seeded version; a test that empties the database before has taken it away."""
    seed_default_book(apps)
    return PriceBookVersion.objects.get(book__code="standard", number=1)


@pytest.fixture
def draft(published):
    return services.draft("standard", effective_from=TODAY, now=NOON)


@pytest.fixture
def quoted(published):
    quote, _ = services.create_quote("professional", read_inputs(*WORKED), now=NOON, by="ada")
    return quote


@pytest.fixture
def caller(published):
    return Caller(keys.create("crm", ["revenue:read", "revenue:write"]).plaintext)


def add_charge(version, plan="starter", **changes):
    """A charge on calls, 0.001 each."""
    usual = {"metric": "api_calls", "title": "Calls", "model": "per_unit"}
    return PlanCharge.objects.create(
        version=version,
        plan=PricingPlan.objects.get(code=plan),
        **{**usual, "price": {"unit": "0.001"}, **changes},
    )


def book_of(version):
    return reports.book(reports.versions().get(pk=version.pk))
