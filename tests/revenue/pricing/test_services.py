"""Versions through their life, quotes for ever, and prices beyond the guardrails."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import connection

from aethercrown.transitions import InvalidTransition
from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale
from operations.decisions.models import Decision
from revenue.pricing import reports, services
from revenue.pricing.calculation.inputs import read_inputs
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.forms.draft_form import DraftValues
from revenue.pricing.models import PlanEntitlement, PriceBookVersion, PricingPlan, Quote
from revenue.pricing.price_book.default_book import BOOK, ENTITLEMENTS
from revenue.pricing.seeding import seed_default_book, seed_entitlements
from tests.revenue.pricing.conftest import NOON, TODAY, WORKED, add_charge, book_of

KNOWN = read_inputs(*WORKED)
LATER = NOON + timedelta(days=365)


def publish(version, now=NOON):
    return services.publish(version.pk, actor="ada", now=now)


def raise_starter(version, base="35"):
    price = version.prices.get(plan__code="starter")
    price.base_price = Decimal(base)
    price.save()


def test_a_draft_begins_as_a_copy_of_the_newest_version(published, draft):
    assert draft.number == 2
    copied, source = book_of(draft), book_of(published)
    assert (copied.plans, copied.factors, copied.rules) == (
        source.plans,
        source.factors,
        source.rules,
    )


def test_the_first_draft_of_a_book_is_empty(published):
    published.book.pk, published.book.code = None, "other"
    published.book.save()
    made = services.draft("other", effective_from=TODAY, now=NOON)
    assert (made.number, book_of(made).plans) == (1, ())
    with pytest.raises(InvalidValues, match="a version needs a price for at least one plan"):
        publish(made)


def test_publishing_makes_it_hold_from_its_day_on(draft):
    raise_starter(draft)
    made = publish(draft)
    assert (made.state, made.published_by, made.published_at) == ("published", "ada", NOON)
    assert reports.version_in_force(TODAY) == made
    assert reports.version_in_force(TODAY - timedelta(days=1)).number == 1
    assert reports.plans_on_sale(TODAY)["starter"]["base_price"] == 35


def test_a_version_is_published_once_and_retired_once(draft):
    publish(draft)
    with pytest.raises(
        InvalidTransition, match="standard version 2 is published; it cannot become published"
    ):
        publish(draft)
    services.retire(draft.pk, now=NOON)
    with pytest.raises(InvalidTransition, match="is retired; it cannot become retired"):
        services.retire(draft.pk, now=NOON)
    assert reports.version_in_force(TODAY).number == 1


def test_a_draft_that_was_published_meanwhile_keeps_what_was_published(draft):
    seen = reports.draft_state(draft)
    publish(draft)
    entered = DraftValues(TODAY, Decimal(50), "Too late.", {}, [])
    with pytest.raises(
        services.DraftPublished, match="standard version 2 is published: it is no longer edited"
    ):
        services.save_draft(draft.pk, entered, seen=seen)
    kept = PriceBookVersion.objects.get(pk=draft.pk)
    assert (kept.notes, kept.largest_discount) == (draft.notes, draft.largest_discount)
    assert kept.prices.exists()


@pytest.mark.parametrize(
    ("price", "problem"),
    [
        ({"tiers": [{"up_to": 5}, {"up_to": 5}, {}]}, "tiers[1].up_to: must be above 5, not 5"),
        ({"tiers": [{"up_to": 5}, {"from": 7}]}, "leaves a gap"),
        ({"tiers": [{"up_to": 5}, {"from": 3}]}, "overlaps the tier before"),
        ({"tiers": [{"unit": "-1"}]}, "tiers[0].unit: must be 0 or more, not -1"),
    ],
)
def test_a_wrong_tier_is_named_and_nothing_is_published(draft, price, problem):
    add_charge(draft, model="graduated", price=price)
    with pytest.raises(InvalidValues) as error:
        publish(draft)
    assert "starter.api_calls.price.tiers" in str(error.value)
    assert problem in str(error.value)
    assert problem in " ".join(reports.findings(draft.pk))
    assert PriceBookVersion.objects.get(pk=draft.pk).is_draft


def test_a_wrong_base_price_is_named_and_nothing_is_published(draft):
    raise_starter(draft, "35.005")
    with pytest.raises(
        InvalidValues, match=r"starter\.base_price: has more than the 2 decimals of USD"
    ):
        publish(draft)
    assert PriceBookVersion.objects.get(pk=draft.pk).is_draft


def test_cliffs_are_told_before_publishing(draft):
    cliff = {"tiers": [{"up_to": 15, "unit": 10}, {"unit": 5}]}
    add_charge(draft, model="volume", price=cliff)
    (told,) = reports.findings(draft.pk)
    assert "quantities above 7.5 up to 15 cost more" in told


def test_a_quote_is_stored_with_all_it_came_from(quoted):
    assert quoted.final_price == Decimal("110.21")
    assert (quoted.version.number, quoted.digest) == (1, quoted.version.digest)
    assert quoted.inputs["usage_data"] == {"api_calls": "50000", "storage_gb": "250"}
    assert sum(each.amount for each in reports.lines(quoted)) == Decimal("110.21")


def test_a_quote_of_a_year_ago_is_worked_out_the_same(quoted, draft):
    raise_starter(draft)
    publish(draft)
    services.retire(quoted.version_id, now=LATER)
    PricingPlan.objects.update(is_active=False)
    again = reports.recalculate(reports.quote(str(quoted.quote_id)))
    assert again.lines == reports.lines(quoted)
    assert again.final_price == quoted.final_price


def test_a_quote_in_another_currency_is_refused(published):
    with pytest.raises(InvalidValues, match="currency: must be the plan's, USD, not EUR"):
        services.create_quote("starter", KNOWN, now=NOON, currency="EUR")
    assert not Quote.objects.exists()


def test_a_price_beyond_every_column_is_refused(draft):
    add_charge(draft, price={"unit": "1000000"})
    publish(draft)
    with pytest.raises(InvalidValues, match="1,000,000,000,000 or more is not quoted"):
        services.create_quote("starter", read_inputs({"api_calls": 10**9}), now=NOON)


def test_without_a_published_version_nothing_is_priced(published):
    with pytest.raises(reports.NothingPublished, match="standard is published for 2019-12-31"):
        reports.version_in_force(date(2019, 12, 31))
    services.retire(published.pk, now=NOON)
    with pytest.raises(reports.NothingPublished):
        services.create_quote("starter", KNOWN, now=NOON)


def test_rows_that_were_changed_behind_our_back_price_nothing(published):
    with connection.cursor() as cursor:
        off = "DROP TRIGGER revenue_planprice_immutable"
        cursor.execute(off if connection.vendor == "sqlite" else f"{off} ON revenue_planprice")
        cursor.execute("UPDATE revenue_planprice SET base_price = 1")
    with pytest.raises(reports.Tampered, match="standard version 1 is not as it was published"):
        services.create_quote("starter", KNOWN, now=NOON)


def test_a_quote_takes_few_queries(published, django_assert_num_queries):
    with django_assert_num_queries(11):
        services.create_quote("starter", KNOWN, now=NOON)
    with django_assert_num_queries(3):
        services.create_quote("starter", KNOWN, now=NOON)


def test_a_plan_that_is_renamed_or_taken_off_sale_is_so_at_once(published):
    services.create_quote("starter", KNOWN, now=NOON)
    PricingPlan.objects.filter(code="starter").update(name="Basic", is_active=False)
    found = reports.book(published)
    assert [each.name for each in found.plans if not each.is_active] == ["Basic"]


def test_only_so_many_versions_are_kept(published):
    reports.cached_books.update((str(number), BOOK) for number in range(reports.MAX_CACHED_BOOKS))
    assert reports.book(published).digest() == BOOK.digest()
    assert list(reports.cached_books) == [published.digest]


def test_seeding_again_changes_nothing(published):
    seed_default_book(apps)
    assert PriceBookVersion.objects.count() == 1


def test_entitlements_are_seeded_for_a_plan_without_any(published):
    rows = PlanEntitlement.objects.filter(plan__code="starter")
    rows.all().delete()
    seed_entitlements(apps)
    assert {each.metric: each.included for each in rows.all()} == ENTITLEMENTS["starter"]
    rows.exclude(metric="api_calls").delete()
    seed_entitlements(apps)  # what a person removed stays so
    assert [each.metric for each in rows.all()] == ["api_calls"]


# --- Beyond the guardrails ----------------------------------------------------------------------


def ask(quote, amount="70", reason="a large customer"):
    number = services.request_override(
        quote.pk, amount=Decimal(amount), reason=reason, actor="ada", now=NOON
    )
    return Decision.objects.get(pk=number)


def agreed(quote):
    quote.refresh_from_db()
    return quote.agreed_price


def test_a_price_beyond_the_guardrails_waits_for_a_person(quoted):
    asked = ask(quoted)
    assert (asked.status, agreed(quoted)) == ("proposed", None)
    failed = {each["name"] for each in asked.guardrails if not each["passed"]}
    assert "largest_discount_percent" in failed
    decisions.approve(asked.pk, actor="eve", now=NOON)
    assert agreed(quoted) == 70
    assert quoted.final_price == Decimal("110.21")
    decisions.roll_back(asked.pk, actor="eve", now=NOON)
    assert agreed(quoted) is None


def test_the_same_question_is_one_decision(quoted):
    assert ask(quoted) == ask(quoted)


def test_of_two_approved_prices_the_second_finds_its_quote_changed(quoted):
    first, second = ask(quoted), ask(quoted, "60")
    decisions.approve(first.pk, actor="eve", now=NOON)
    with pytest.raises(Stale, match="has another agreed price since: 70"):
        decisions.approve(second.pk, actor="eve", now=NOON)
    assert agreed(quoted) == 70


def test_a_granted_price_is_measured_as_long_as_it_stands(quoted):
    asked = ask(quoted)
    decisions.approve(asked.pk, actor="eve", now=NOON)
    decisions.measure_due(LATER)
    asked.refresh_from_db()
    assert (asked.status, asked.realised["value"]) == ("measured", 70.0)


def test_a_price_that_does_not_stand_is_not_measured(quoted):
    asked = ask(quoted)
    decisions.approve(asked.pk, actor="eve", now=NOON)
    Quote.objects.update(agreed_price=None)
    decisions.measure_due(LATER)
    asked.refresh_from_db()
    assert asked.status == "applied"


@pytest.mark.parametrize(("amount", "reason"), [("-1", "x"), ("1.001", "x"), ("1", " ")])
def test_a_question_that_is_none_is_refused(quoted, amount, reason):
    with pytest.raises(InvalidValues):
        ask(quoted, amount, reason)
    assert not Decision.objects.exists()


def test_floor_and_ceiling_stand_in_the_question(draft):
    draft.prices.filter(plan__code="starter").update(floor=20, ceiling=40)
    publish(draft)
    quote, _ = services.create_quote("starter", read_inputs({}), now=NOON)
    names = {each["name"]: each["passed"] for each in ask(quote, "10").guardrails}
    assert (names["floor"], names["ceiling"]) == (False, True)
    names = {each["name"]: each["passed"] for each in ask(quote, "50").guardrails}
    assert (names["floor"], names["ceiling"]) == (True, False)


def test_a_free_plan_has_no_discount_to_break(draft):
    draft.prices.filter(plan__code="starter").update(base_price=0)
    publish(draft)
    quote, _ = services.create_quote("starter", read_inputs({}), now=NOON)
    assert ask(quote, "10").guardrails[0]["passed"]


@pytest.mark.django_db(transaction=True)
def test_of_two_publications_at_once_one_wins(draft, at_once):
    outcomes = at_once(lambda: publish(draft), 4)
    refused = [each for each in outcomes if isinstance(each, InvalidTransition)]
    assert len(refused) == 3


@pytest.mark.django_db(transaction=True)
def test_drafts_made_at_once_get_numbers_of_their_own(published, at_once):
    made = at_once(lambda: services.draft("standard", effective_from=TODAY, now=NOON), 4)
    assert sorted(each.number for each in made) == [2, 3, 4, 5]


def test_the_words_of_a_line_have_no_zeros_of_a_column(quoted):
    words = [each.description for each in reports.lines(quoted)]
    assert words[1] == "api_calls of 50000: x 1.1"
    assert words[3] == "Discount 8 % (daily_active_rate 3 %, tenure_months 5 %)"
