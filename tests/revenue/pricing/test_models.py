"""A published version stays as it is, whoever writes and however."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from revenue.pricing import services
from revenue.pricing.models import (
    ImmutableVersion,
    PlanPrice,
    PriceBookVersion,
    PriceFactor,
    PricingPlan,
    Quote,
)
from revenue.pricing.price_book.default_book import BOOK
from tests.revenue.pricing.conftest import NOON, add_charge, book_of


def refused(write):
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        write()


def test_the_first_version_is_the_documented_defaults(published):
    found = book_of(published)
    assert found.digest() == BOOK.digest() == published.digest
    assert (published.state, found.currency) == ("published", "USD")


def test_rows_of_a_published_version_refuse_to_be_saved_or_deleted(published):
    price = published.prices.first()
    price.base_price = 1
    for write in (price.save, price.delete, published.delete, lambda: add_charge(published)):
        with pytest.raises(ImmutableVersion, match="standard version 1 is published"):
            write()


def test_the_database_itself_refuses_what_goes_past_the_models(published):
    prices, versions = PlanPrice.objects.all(), PriceBookVersion.objects.filter(pk=published.pk)
    refused(lambda: prices.update(base_price=1))
    refused(lambda: versions.update(digest="0" * 64))
    refused(lambda: versions.update(state="draft", published_at=None, digest=""))
    row = PriceFactor(version=published, kind="usage", metric="x", above=1, value=2)
    refused(lambda: PriceFactor.objects.bulk_create([row]))
    if connection.vendor == "postgresql":
        refused(lambda: PriceFactor.objects.filter(version=published).delete())


def test_a_draft_is_edited_and_deleted(draft):
    price = draft.prices.get(plan__code="starter")
    price.base_price = Decimal(35)
    price.save()
    charge = add_charge(draft)
    assert book_of(draft).plan("starter").charges[0].metric == "api_calls"
    charge.delete()
    draft.delete()
    assert PriceBookVersion.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "company"},
        {"kind": "usage", "plan": True},
        {"above": -1},
        {"value": -1},
        {"metric": "api_calls", "above": 10000},
    ],
)
def test_a_factor_that_cannot_be_is_refused_by_the_database(draft, changes):
    row = {"kind": "usage", "metric": "x", "above": 1, "value": 2, **changes}
    if row.get("plan"):
        row["plan"] = PricingPlan.objects.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        PriceFactor.objects.create(version=draft, **row)


def test_rows_name_themselves(draft, quoted):
    names = {str(draft), str(draft.book), str(draft.prices.first()), str(quoted)}
    names |= {str(draft.rules.first()), str(add_charge(draft)), str(PricingPlan.objects.first())}
    assert names == {
        "standard version 2",
        "Standard prices (USD)",
        "starter: 29",
        "$110.21 for Professional",
        "enterprise where employee_count > 100",
        "Calls (per_unit)",
        "Starter",
    }
    assert "annual_revenue > 10,000,000: 1.2" in {str(e) for e in draft.factors.all()}


def test_a_retired_version_keeps_its_quotes(published, quoted):
    services.retire(published.pk, now=NOON)
    assert Quote.objects.get().version == published
