"""What waiting decisions are worth, and what measured ones brought."""

from datetime import UTC, datetime
from types import SimpleNamespace

from dashboards.overview import values
from dashboards.overview.values import ACCEPTANCE, OFFER

AT = datetime(2026, 3, 2, tzinfo=UTC)
PASSED = [{"name": "agreed", "passed": True, "value": 1, "limit": 1}]
FAILED = [{"name": "largest_discount_percent", "passed": False, "value": 30, "limit": 20}]


def decision(kind, estimate, unit="USD", *, subject="s", realised=None, guardrails=PASSED):
    expected = {"metric": "recurring revenue a month", "unit": unit, "estimate": estimate}
    return SimpleNamespace(
        pk=0,
        kind=kind,
        subject=subject,
        expected={**expected, "low": 0.0, "high": 2 * estimate},
        realised=None if realised is None else {"value": realised, "low": None, "high": None},
        guardrails=guardrails,
        proposed_at=AT,
    )


def waiting(*rows):
    for at, each in enumerate(rows):
        each.pk = at
    titles = {each.pk: f"no {each.pk}" for each in rows}
    return values.waiting_values(rows, titles, str.upper, lambda each: f"/{each.subject}")


def test_amounts_of_one_type_are_added_and_the_most_valuable_stand_first():
    [found] = waiting(*(decision("offer", each) for each in (10, 40, 20, 30)))
    assert found.title == "OFFER"
    assert found.total == "+$100.00 recurring revenue a month together"
    assert [each.title for each in found.lines] == ["no 1", "no 3", "no 2"]
    assert found.lines[0].effect == "+$40.00 ($0.00 to +$80.00)"
    assert found.more == "and 1 other"


def test_types_and_units_are_never_added_to_each_other():
    found = waiting(decision("offer", 10), decision("offer", 10, "EUR"), decision("plan", 4, "%"))
    assert [each.total for each in found] == [
        "+$10.00 recurring revenue a month",
        "+€10.00 recurring revenue a month",
        "+4.0% recurring revenue a month",
    ]
    assert {each.more for each in found} == {""}


def test_percentages_are_averaged():
    [found] = waiting(decision("plan", 4, "%"), decision("plan", 8, "%"))
    assert found.total == "+6.0% recurring revenue a month on average"


def test_a_failed_guardrail_is_said_beside_the_decision():
    [found] = waiting(decision("offer", 10, guardrails=FAILED))
    assert found.lines[0].note == "guardrail failed: Discount: 30%, limit 20%"


def test_an_offer_and_its_acceptance_are_counted_once():
    rows = [
        decision(OFFER, 6, subject="one", realised=9),
        decision(ACCEPTANCE, 10, subject="one", realised=9),
        decision(OFFER, 6, subject="two", realised=0),
        decision("unmeasured", 5),
    ]
    assert values.brought_values(rows, str) == [
        (ACCEPTANCE, "+$9.00 recurring revenue a month", "+$10.00"),
        (OFFER, "$0.00 recurring revenue a month", "+$6.00"),
    ]


def test_what_plans_brought_in_percent_is_averaged_on_both_sides():
    rows = [decision("plan", 4, "%", realised=2), decision("plan", 8, "%", realised=4)]
    assert values.brought_values(rows, str) == [
        ("plan", "+3.0% recurring revenue a month on average", "+6.0%")
    ]


def test_an_effect_is_the_realised_one_once_it_is_measured():
    assert values.effect_of(decision("plan", 4)).startswith("expected +$4.00")
    assert values.effect_of(decision("plan", 4, realised=3)) == "realised +$3.00"
