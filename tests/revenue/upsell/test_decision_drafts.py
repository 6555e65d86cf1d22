"""Offers and acceptances as decisions, and what came of them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps

from operations.decisions.draft import ExpectedEffect
from operations.decisions.models import Decision
from revenue.upsell.decision_drafts import (
    MEASURED_AFTER,
    OfferDetails,
    acceptance_draft,
    measured_effect,
    offer_draft,
    offer_guardrails,
    opportunity_id,
)

NOW = datetime(2026, 3, 31, 4, tzinfo=UTC)
REST = timedelta(days=90)
DEAL = OfferDetails(7, 12, "professional", "USD", Decimal(60), Decimal(77), Decimal(91), 0.6)
PROMISE = ExpectedEffect("recurring revenue a month", 77, 60, 91, 0.9, MEASURED_AFTER, "USD")


def test_an_offer_promises_the_likely_gain_or_nothing():
    found = offer_draft(DEAL, (), timedelta(days=30), 3)
    assert opportunity_id(found.subject) == 7
    assert found.title == "Offer professional to customer 12 (+$77.00 a month)"
    assert (found.expected.low, found.expected.high) == (0, 91)
    assert found.expected.estimate == pytest.approx(46.2)
    assert found.run_id == 3
    assert offer_draft(DEAL, (), REST, 4).inputs_digest == found.inputs_digest


def test_a_saving_is_promised_as_the_revenue_that_it_costs():
    deal = OfferDetails(7, 12, "b", "USD", Decimal(-9), Decimal(-8), Decimal(-7), 0.5)
    found = offer_draft(deal, (), REST, None).expected
    assert (found.low, found.estimate, found.high) == (-7, -4, 0) or found.low <= -4 <= found.high


def test_an_acceptance_promises_the_gain_with_its_interval():
    found = acceptance_draft(DEAL, {"state": "offered"}, {"state": "accepted"}, NOW.isoformat())
    assert found.expected == PROMISE
    assert found.guardrails[0].passed


def passes(*given, may_be_mailed=True):
    return [each.passed for each in offer_guardrails(*given, may_be_mailed=may_be_mailed)]


def test_offers_keep_to_the_number_a_day_and_let_those_who_declined_rest():
    assert passes(19, 20, None, REST, NOW) == [True, True, True]
    assert passes(20, 20, None, REST, NOW) == [False, True, True]
    assert passes(0, 20, NOW - timedelta(days=89), REST, NOW) == [True, False, True]
    assert passes(0, 20, NOW - REST, REST, NOW, may_be_mailed=False) == [True, True, False]
    told = offer_guardrails(0, 20, NOW - timedelta(days=3), REST, NOW, may_be_mailed=True)[1]
    assert (told.limit, told.value) == (90, 3.0)


def test_without_enough_others_the_movement_itself_counts():
    found = measured_effect(PROMISE, 31.9, 108.9, [0.1] * 9)
    assert (found.value, found.low, found.inside) == (77, None, True)
    assert not measured_effect(PROMISE, 31.9, 31.9, []).inside


def test_what_others_moved_anyway_is_taken_off():
    found = measured_effect(PROMISE, 100, 190, [0.1, 0.1, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.3, 0.3])
    assert found.value == pytest.approx(70)
    assert found.detail["placebo"] == pytest.approx(20)
    assert (found.low or 70) < 70 < (found.high or 70)
    assert found.inside


def test_a_customer_who_left_did_not_bring_what_was_promised():
    found = measured_effect(PROMISE, 100, 0, [0.0] * 20)
    assert found.value == -100
    assert not found.inside


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("offer", "Offer pro to Acme (Old) (+$77.00 a month)", "Offer pro to {} (+$77.00 a month)"),
        ("acceptance", "Acme takes pro (+$77.00 a month)", "Move {} to pro (+$77.00 a month)"),
        (
            "offer",
            "Offer pro to customer 3 (+$7.00 a month)",
            "Offer pro to customer 3 (+$7.00 a month)",
        ),
        ("offer", "Some other title", "Some other title"),
    ],
)
def test_the_migration_takes_names_out_of_titles(kind, before, after):
    row = Decision(kind=f"revenue.upsell_{kind}", subject="opportunity 7", title=before)
    row.before, row.after, row.expected, row.guardrails = {}, {}, {}, []
    row.proposed_at = NOW
    row.save()
    migration = import_module("revenue.migrations.0008_name_nobody_in_titles")
    migration.name_nobody(apps, None)
    row.refresh_from_db()
    assert row.title == after.format("a customer")
