"""The sweep, offers, answers, and what an acceptance brought."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction

from aethercrown.transitions import InvalidTransition
from operations.automations.models import Automation
from operations.automations.registry import RunContext
from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale, decision_type_registry
from operations.decisions.models import Decision, FourEyesRule
from revenue.billing.models import DailyUse, Meter
from revenue.customers import services as changing
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry
from revenue.pricing import services as pricing
from revenue.upsell import reports, services
from revenue.upsell.decision_drafts import OFFER
from revenue.upsell.models import OfferTerms, Opportunity
from tests.revenue.upsell.conftest import NOW, customer, only, sweep

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def found(grown):
    sweep()
    return only()


def taken(row) -> Decision:
    """The decision of an acceptance, as it is now."""
    return Decision.objects.get(pk=row.acceptance_id)


def brought(row) -> dict[str, Any]:
    """What was measured of an acceptance."""
    return taken(row).realised or {}


# --- Finding ------------------------------------------------------------------------------------


def test_the_sweep_stores_what_every_plan_costs_and_what_a_move_would_bring(grown, calls):
    customer("small", calls, 10)
    assert sweep().summary.startswith("1 opportunity found, 0 withdrawn")
    row = only()
    assert (row.customer, row.kind, row.state) == (grown, "plan_fit", "open")
    assert (row.current_plan, row.recommended_plan) == ("starter", "professional")
    assert (row.gain_low, row.gain, row.gain_high) == (77, 77, 77)
    assert row.costs["professional"]["estimate"] == "108.90"
    assert row.inputs["ahead"]["estimate"]["usage_data"]["api_calls"] == "15000"
    assert row.confidence == 0.6
    assert str(row) == "professional for Grown"


@pytest.mark.parametrize(
    ("coupon", "gain"),
    [({"coupon_percent": 50}, "92.95"), ({"coupon_amount": 10}, "87"), ({"quantity": 2}, "45.1")],
)
def test_the_gain_is_beside_what_is_billed_with_quantity_and_coupon(grown, coupon, gain):
    """The list price of this use is 31.90; two units of it are 63.80, half of it is 15.95."""
    terms = {name: Decimal(value) for name, value in coupon.items() if name != "quantity"}
    held = grown.subscriptions.get()
    changing.change(held.pk, on=NOW.date(), now=NOW, **({**coupon, **terms}))
    sweep()
    assert only().gain == Decimal(gain)


def test_sweeping_again_stores_nothing_twice_and_asks_nobody_twice(grown):
    first, again = sweep(), sweep()
    assert Opportunity.objects.count() == 1
    assert first.decisions == again.decisions
    assert Decision.objects.count() == 1


def test_one_open_opportunity_a_customer_and_kind_is_all_the_database_takes(found):
    found.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        found.save()


def test_what_is_no_longer_called_for_is_withdrawn(found):
    DailyUse.objects.all().delete()
    customer("other", Meter.objects.get(), 10)
    assert "1 withdrawn" in sweep(now=NOW + DAY).summary
    assert only().state == "withdrawn"
    assert only().outcome == "The use no longer calls for a larger plan."


def test_an_offer_that_went_out_stays_as_it_was_told(found):
    services.offer(found.pk, by="ada", now=NOW)
    DailyUse.objects.all().delete()
    sweep(now=NOW + DAY)
    assert only().state == "offered"


def test_whoever_cannot_be_rated_is_named_and_stops_nobody(grown, calls):
    euro = customer("euro", calls, 500)
    euro.subscriptions.update(currency="EUR")
    customer("legacy", calls, 500, plan="legacy")
    outcome = sweep()
    assert Opportunity.objects.count() == 1
    assert "Not rated: 1 customer, such as customer" in outcome.summary
    assert "price book in EUR" in outcome.summary


def test_a_gain_below_the_terms_is_not_stored(grown):
    OfferTerms.objects.create(pk=1, least_gain=Decimal("77.01"))
    sweep()
    assert not Opportunity.objects.exists()
    assert str(reports.terms()) == "Offer terms"


def test_work_that_is_taken_away_stops(grown):
    assert sweep(may_continue=lambda: False).summary.startswith("0 opportunities")
    answers = iter([True, False, False])
    sweep("auto", may_continue=lambda: next(answers, False))
    assert only().state == "open"


def test_what_somebody_ended_while_offers_are_proposed_is_proposed_to_nobody(grown):
    sweep("observe")
    Decision.objects.all().delete()

    def ended_meanwhile() -> bool:
        services.withdraw(only().pk, by="ada", now=NOW)
        return True

    context = RunContext(
        "revenue.upsell", None, NOW, NOW, "auto", dry_run=False, may_continue=ended_meanwhile
    )
    assert services.propose_offers(context) == []
    assert only().state == "withdrawn"
    assert not Decision.objects.exists()


# --- Modes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["observe", "propose"])
def test_in_observe_and_propose_nothing_goes_out_by_itself(grown, mode):
    outcome = sweep(mode)
    assert "1 offer proposed, 0 made" in outcome.summary
    assert only().state == "open"
    assert Decision.objects.get().status == "proposed"


@pytest.fixture
def offering(db):
    """The automation as its migration sets it: an offer is no sure gain."""
    Automation.objects.filter(name="revenue.upsell").delete()
    from django.apps import apps  # noqa: PLC0415

    from operations.automations.seeding import seed  # noqa: PLC0415

    seed(apps, name="revenue.upsell", title="Find upsell opportunities", at="04:10")
    Automation.objects.filter(name="revenue.upsell").update(
        largest_change_percent=None, needs_sure_gain=False, data_age_hours=None
    )


def test_in_auto_an_offer_goes_out_where_the_guardrails_pass(grown, offering):
    assert "1 made" in sweep("auto").summary
    row = only()
    assert (row.state, row.expires_at) == ("offered", NOW + 30 * DAY)
    assert Decision.objects.get().status == "applied"


def test_no_more_offers_go_out_a_day_than_the_terms_allow(calls, offering):
    OfferTerms.objects.create(pk=1, offers_per_day=2)
    for number in range(4):
        customer(f"c{number}", calls, 500)
    assert "2 made" in sweep("auto").summary
    assert Opportunity.objects.filter(state="open").count() == 2
    waiting = Decision.objects.filter(status="proposed")[0]
    assert [g["passed"] for g in waiting.guardrails if g["name"] == "offers_per_day"] == [False]


def test_a_customer_who_declined_rests(found, offering):
    services.decline(found.pk, by="ada", now=NOW, outcome="too dear")
    sweep("auto", NOW + 89 * DAY)
    assert Opportunity.objects.count() == 1


def test_an_offer_that_nobody_answers_expires_and_its_customer_rests(found):
    services.offer(found.pk, by="ada", now=NOW)
    assert services.expire(NOW + 29 * DAY) == 0
    assert "1 offer expired" in sweep(now=NOW + 30 * DAY).summary
    assert (only().state, only().outcome) == ("expired", "Not answered in time.")


# --- People -------------------------------------------------------------------------------------


def test_a_person_offers_what_the_sweep_proposed(found):
    services.offer(found.pk, by="ada", now=NOW)
    decision = Decision.objects.get()
    assert (decision.status, decision.actor, only().state) == ("applied", "ada", "offered")
    again = services.offer(found.pk, by="bob", now=NOW + DAY)
    assert (again.offered_at, Decision.objects.get().actor) == (NOW, "ada")


def test_a_person_may_offer_what_was_only_observed(grown):
    sweep("observe")
    services.offer(only().pk, by="ada", now=NOW)
    assert only().state == "offered"
    assert Decision.objects.get().status == "proposed"


def test_a_key_offers_nothing_without_the_scope_to_approve_where_four_eyes_are_demanded(grown):
    FourEyesRule.objects.create(kind=OFFER, is_on=True)
    for mode in ("observe", "propose"):
        sweep(mode)
        with pytest.raises(InvalidTransition, match="lacks the scope"):
            services.offer(only().pk, by="key:999 gone", now=NOW)
        assert only().state == "open"
        Decision.objects.update(mode="propose")


def test_an_acceptance_moves_the_subscription_and_the_ledger(found, grown):
    row = services.accept(found.pk, by="ada", now=NOW, amount=Decimal("108.90"), outcome="agreed")
    subscription = grown.subscriptions.get()
    assert (subscription.plan, subscription.amount) == ("professional", Decimal("108.90"))
    assert grown.movements.latest("pk").kind == "expansion"
    assert (row.state, row.agreed_amount, row.decided_by) == ("accepted", Decimal("108.90"), "ada")
    decision = taken(row)
    page = decision_type_registry.get(decision.kind).path(decision.subject)
    assert page == f"/dashboards/upsell/{row.pk}"
    assert taken(row).status == "applied"
    assert reports.accepted_with_effect("USD")[0][1]["estimate"] == 77


def test_an_accepted_one_is_not_offered_again_nor_declined(found, grown):
    services.offer(found.pk, by="ada", now=NOW)
    services.accept(found.pk, by="ada", now=NOW, amount=Decimal(75))
    again = services.accept(found.pk, by="bob", now=NOW + DAY, amount=Decimal(75))
    assert (again.decided_by, again.decided_at) == ("ada", NOW)
    for step in (services.offer, services.decline, services.withdraw):
        with pytest.raises(InvalidTransition, match="is accepted"):
            step(found.pk, by="bob", now=NOW)
    with pytest.raises(InvalidTransition, match="is accepted"):
        services.accept(found.pk, by="bob", now=NOW, amount=Decimal(80))
    assert grown.subscriptions.get().amount == 75


def test_the_agreed_amount_is_billed_whatever_quantity_and_interval_were_before(found, grown):
    held = grown.subscriptions.get()
    changing.change(
        held.pk, on=date(2025, 12, 1), now=NOW, every="year", quantity=3, coupon_percent=Decimal(10)
    )
    services.accept(found.pk, by="ada", now=NOW, amount=Decimal(75))
    held.refresh_from_db()
    assert (held.amount, held.price, held.interval, held.quantity) == (75, 900, "year", 1)
    decisions.roll_back(taken(only()).pk, actor="bob", now=NOW)
    held.refresh_from_db()
    assert (held.basis, held.price, held.quantity) == ("list", 348, 3)
    assert held.amount == Decimal("78.3")  # 29 x 3 less 10 %


def test_an_agreed_fee_is_what_a_move_is_compared_with(found, grown):
    changing.change(grown.subscriptions.get().pk, on=NOW.date(), now=NOW, amount=Decimal(20))
    sweep(now=NOW + DAY)
    assert only().costs["starter"]["estimate"] == "20.00"
    assert only().gain == Decimal("88.90")


def test_an_acceptance_without_an_amount_leaves_the_subscription_to_its_record(found, grown):
    row = services.accept(found.pk, by="ada", now=NOW)
    assert grown.subscriptions.get().plan == "starter"
    assert row.agreed_amount is None


def test_an_acceptance_that_is_rolled_back_puts_all_back(found, grown):
    row = services.accept(found.pk, by="ada", now=NOW, amount=Decimal(100))
    decisions.roll_back(taken(row).pk, actor="bob", now=NOW)
    assert (only().state, only().agreed_amount, only().decided_at) == ("open", None, None)
    subscription = grown.subscriptions.get()
    assert (subscription.plan, subscription.amount) == ("starter", 29)


def test_an_acceptance_is_not_rolled_back_over_what_came_since(found, grown):
    row = services.accept(found.pk, by="ada", now=NOW, amount=Decimal(100))
    changing.adjust(
        grown.subscriptions.get().pk, on=NOW.date(), amount=Decimal(120), now=NOW, note="typo"
    )
    with pytest.raises(Stale, match="brings 120"):
        decisions.roll_back(taken(row).pk, actor="bob", now=NOW)


def test_an_acceptance_without_a_move_is_rolled_back_unless_another_is_open(found, grown):
    row = services.accept(found.pk, by="ada", now=NOW)
    sweep(now=NOW + DAY)
    assert Opportunity.objects.count() == 2
    with pytest.raises(Stale, match="another open opportunity"):
        decisions.roll_back(taken(row).pk, actor="bob", now=NOW)


def test_a_move_needs_a_subscription_on_the_plan(found, grown):
    grown.subscriptions.update(plan="other")
    with pytest.raises(InvalidEntry, match="no running subscription on starter"):
        services.accept(found.pk, by="ada", now=NOW, amount=Decimal(100))
    assert only().state == "open"


def test_what_is_over_cannot_be_decided_again(found):
    services.withdraw(found.pk, by="ada", now=NOW, outcome="a partner")
    again = services.withdraw(found.pk, by="bob", now=NOW, outcome="another")
    assert (again.decided_by, again.outcome) == ("ada", "a partner")
    for step in (services.accept, services.decline, services.offer):
        with pytest.raises(InvalidTransition, match="is withdrawn"):
            step(found.pk, by="ada", now=NOW)


def test_somebody_looks_after_it(found):
    services.assign(found.pk, owner="carla", notes="call in May")
    services.assign(found.pk, owner="dan")
    assert (only().owner, only().notes) == ("dan", "call in May")


def test_answers_make_the_next_ones_confidence(found, calls):
    services.decline(found.pk, by="ada", now=NOW)
    customer("next", calls, 500)
    sweep()
    assert Opportunity.objects.latest("pk").confidence == pytest.approx(6 / 11)


def test_an_offer_whose_opportunity_is_over_is_stale(found):
    services.withdraw(found.pk, by="ada", now=NOW)
    with pytest.raises(Stale):
        decisions.approve(Decision.objects.get().pk, actor="bob", now=NOW)


def test_an_offer_whose_opportunity_is_gone_is_stale(found):
    found.delete()
    with pytest.raises(Stale, match=r"There is no opportunity \d+ any more"):
        decisions.approve(Decision.objects.get().pk, actor="bob", now=NOW)


def test_an_offer_that_is_taken_back_is_open_again(found):
    services.offer(found.pk, by="ada", now=NOW)
    decisions.roll_back(Decision.objects.get().pk, actor="bob", now=NOW)
    assert (only().state, only().expires_at) == ("open", None)


# --- Measured -----------------------------------------------------------------------------------


def measured(days):
    with time_machine.travel(NOW + days * DAY, tick=False):
        decisions.measure_due(NOW + days * DAY)


def test_an_acceptance_is_measured_by_the_movement_of_mrr(found):
    row = services.accept(found.pk, by="ada", now=NOW, amount=Decimal(106))
    measured(61)
    decision = taken(row)
    assert decision.status == "measured"
    assert brought(row)["value"] == 77
    assert brought(row)["detail"]["placebo"] is None
    assert decision.verdict == "inside"


def test_customers_who_were_offered_nothing_are_the_placebo(found, calls):
    others = [customer(f"o{number}", calls, 1) for number in range(10)]
    row = services.accept(found.pk, by="ada", now=NOW, amount=Decimal(106))
    for each in others:
        changing.change(
            each.subscriptions.get().pk, amount=Decimal("31.90"), on=NOW.date(), now=NOW
        )
    measured(61)
    realised = brought(row)
    assert realised["detail"]["compared"] == 10
    assert realised["value"] == pytest.approx(77 - 2.9)


def test_an_acceptance_that_was_undone_is_not_measured(found):
    row = services.accept(found.pk, by="ada", now=NOW)
    Opportunity.objects.update(state="withdrawn")
    measured(61)
    assert taken(row).status == "applied"


@pytest.mark.parametrize(("answer", "value"), [("decline", 0), ("accept", 77)])
def test_an_offer_is_measured_by_its_answer(found, answer, value):
    services.offer(found.pk, by="ada", now=NOW)
    measured(31)
    offer = Decision.objects.get(kind="revenue.upsell_offer")
    assert offer.status == "applied"  # not answered yet
    getattr(services, answer)(found.pk, by="ada", now=NOW)
    measured(31)
    offer.refresh_from_db()
    assert ((offer.realised or {})["value"], offer.verdict) == (value, "inside")


# --- Reading ------------------------------------------------------------------------------------


def test_the_pipeline_and_the_answers_are_read_by_kind(found, calls):
    customer("more", calls, 900)
    sweep()
    services.accept(found.pk, by="ada", now=NOW)
    (each,) = reports.opportunity_counts("USD")
    assert (each.kind, each.active, each.accepted, each.declined) == ("plan_fit", 1, 1, 0)
    assert each.gain == 77
    assert each.expected_gain == pytest.approx(77 * 0.6)
    assert [row.customer.name for row in reports.pipeline("USD", 9)] == ["More"]
    assert [row.customer.name for row in reports.ended("USD", 9)] == ["Grown"]
    assert reports.currencies() == ["USD"]
    assert len(list(reports.EXPORTERS[0].rows())) == 2


def test_a_merge_moves_opportunities_and_ends_the_open_ones(found, grown):
    kept = Customer.objects.create(external_id="kept", name="Kept", currency="USD")
    changing.merge(kept.pk, grown.pk, now=NOW)
    assert (only().customer, only().state) == (kept, "withdrawn")


def test_an_erasure_takes_out_what_may_name_somebody(found, grown):
    services.assign(found.pk, owner="ada", notes="ask Mrs Grown")
    services.decline(found.pk, by="ada", now=NOW, outcome="Mrs Grown said no")
    assert len(reports.personal_data([grown.pk])["opportunities"]) == 1
    changing.erase(grown.pk, now=NOW)
    assert (only().notes, only().outcome, only().gain) == ("", "", 77)


def test_an_erased_customer_is_offered_nothing(grown):
    changing.erase(grown.pk, now=NOW)
    sweep()
    assert not Opportunity.objects.exists()


def test_a_version_without_the_plan_makes_no_opportunity(grown, published):
    pricing.retire(published.pk, now=NOW)
    assert "Not rated: 1 customer," in sweep().summary
