"""The command that says who would pay more."""

from datetime import date

import pytest
from django.core.management import CommandError, call_command

from revenue.customers.models import Customer, Subscription
from revenue.pricing import services
from revenue.pricing.calculation.inputs import read_inputs
from tests.revenue.pricing.conftest import NOON, add_charge


def simulated(capsys, number=2):
    call_command("simulate_prices", str(number))
    return capsys.readouterr().out


def raised(draft, base):
    price = draft.prices.get(plan__code="starter")
    price.base_price = base
    price.save()


def subscribe(key, plan):
    customer = Customer.objects.create(external_id=key, name=key, currency="USD", segment="smb")
    Subscription.objects.create(
        external_id=key,
        customer=customer,
        plan=plan,
        amount=29,
        basis="list",
        currency="USD",
        started_on=date(2026, 1, 1),
    )


def test_running_subscriptions_are_rated_under_both_versions(draft, capsys):
    for key, plan in (("a", "starter"), ("b", "professional"), ("c", "legacy"), ("d", "")):
        subscribe(key, plan)
    raised(draft, 58)
    told = simulated(capsys)
    assert "standard version 2 against standard version 1, 2 customers" in told
    assert "each over up to 3 complete months" in told
    assert "Now 384.00 USD, then 471.00 USD (+87.00)" in told
    assert "1 pay more, 0 less, 1 the same" in told
    assert "The gain is lost if 50.0%" in told
    assert "a (starter): 87.00 to 174.00, +100.0%" in told
    assert "Left out: 1 customer, such as c: must be an active plan" in told


def test_the_newest_quotes_are_rated_while_there_are_no_subscriptions(draft, capsys):
    services.create_quote("starter", read_inputs({"api_calls": 20000}), now=NOON)
    add_charge(draft, model="volume", price={"tiers": [{"up_to": 9, "unit": 9}, {"unit": 1}]})
    raised(draft, 10)
    told = simulated(capsys)
    assert "1 customer," in told
    assert "Finding: starter, Calls: at 9 it costs 81, just above only 9" in told


def test_a_price_that_falls_is_listed(draft, capsys):
    services.create_quote("starter", read_inputs({}), now=NOON)
    raised(draft, 10)
    told = simulated(capsys)
    assert "Largest falls:" in told
    assert "The gain" not in told


def test_a_version_that_is_not_there_is_said_so(published):
    with pytest.raises(CommandError, match="standard has no version 9"):
        call_command("simulate_prices", "9")


def test_a_charge_that_cannot_be_read_is_named(draft):
    add_charge(draft, model="volume", price={"tiers": []})
    with pytest.raises(CommandError, match="tiers: must be a list of at least one tier"):
        call_command("simulate_prices", "2")
