"""What changed since yesterday and what is at risk, in sentences."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from aethercrown.metrics.period import Period
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Measured, Metric, MetricQuery
from dashboards.overview import changes
from revenue.documents.reports import OverdueSum
from revenue.mrr.reports import RecentMovement, RecentMovements

SINCE = datetime(2026, 3, 2, tzinfo=UTC)
EXPECTED = {"metric": "revenue", "unit": "USD", "estimate": 4.0, "low": 0.0, "high": 8.0}


def decision(**more):
    times = dict.fromkeys(("applied_at", "rolled_back_at", "rejected_at"))
    common = {"pk": 1, "verdict": "", "status": "applied", "expected": EXPECTED, "realised": None}
    return SimpleNamespace(**{**times, **common, **more})


def sentences(items):
    return [each.sentence for each in items]


def test_the_movements_of_mrr_name_customers_and_their_amounts():
    found = RecentMovements(
        {"new": Decimal(90), "churn": Decimal(-40)},
        [
            RecentMovement("a-1", "Ash Ltd", "new", Decimal(90)),
            RecentMovement("b-1", "Birch Ltd", "churn", Decimal(-40)),
        ],
    )
    items = changes.mrr_changes(found, "USD", lambda key: f"/{key}")
    assert sentences(items) == [
        "MRR +$50.00: churn \N{MINUS SIGN}$40.00, new +$90.00.",
        "Ash Ltd is a new customer: +$90.00 a month.",
        "Birch Ltd left: \N{MINUS SIGN}$40.00 a month.",
    ]
    assert [each.link for each in items] == ["/dashboards/revenue", "/a-1", "/b-1"]


def test_what_cancels_out_is_no_change_of_the_sum_and_nothing_moved_is_no_sentence():
    even = RecentMovements(
        {"new": Decimal(5), "churn": Decimal(-5)}, [RecentMovement("a", "Ash", "new", Decimal(5))]
    )
    assert changes.mrr_changes(even, "USD", str)[0].sentence.startswith("MRR unchanged in sum:")
    assert changes.mrr_changes(RecentMovements({}, []), "USD", str) == []


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"applied_at": SINCE}, "Applied"),
        ({"applied_at": SINCE - timedelta(days=9), "rolled_back_at": SINCE}, "Rolled back"),
        ({"rejected_at": SINCE}, "Rejected"),
        ({"rejected_at": SINCE, "verdict": "expired"}, "Expired"),
    ],
)
def test_a_decision_is_said_with_what_became_of_it(more, word):
    [item] = changes.decision_changes([decision(**more)], {1: "Plan"}, SINCE, lambda _each: "/7")
    assert item.sentence == f"{word}: Plan; expected +$4.00 ($0.00 to +$8.00)."
    assert item.link == "/7"


class Version(SimpleNamespace):
    def __str__(self) -> str:
        return "standard version 3"


def test_published_prices_and_alerts_that_are_over_are_said():
    [item] = changes.price_changes([Version(effective_from=date(2026, 4, 1), pk=3)])
    assert item.sentence == "Prices published: standard version 3, applies from 1 Apr 2026."
    assert sentences(changes.resolved_alerts([SimpleNamespace(title="Health: down, shop")])) == [
        "Over: Health: down, shop."
    ]


def test_what_is_overdue_is_a_sum_with_its_oldest_day():
    found = [
        OverdueSum("EUR", Decimal("120.50"), 1, date(2026, 1, 5)),
        OverdueSum("USD", Decimal(0), 1, date(2026, 1, 5)),
    ]
    assert sentences(changes.overdue_risks(found, "/x")) == [
        "€120.50 is overdue from 1 customer, the oldest since 5 Jan 2026."
    ]


def test_a_figure_that_should_be_zero_is_a_risk_and_an_unknown_one_says_why():
    def measured(title, reading):
        metric = Metric(title, title, "", MetricUnit.COUNT, Good.DOWN, "/m", lambda _query: {})
        query = MetricQuery(Period(SINCE.date(), SINCE.date()), "USD", SINCE)
        return Measured(metric, reading, None, query)

    risks, missing = changes.metric_risks(
        [
            measured("Down", Reading(1, note="of 2 components: shop")),
            measured("Overdue", Reading(0)),
            measured("Late", unknown("Nothing is known")),
        ]
    )
    assert sentences(risks) == ["Down: 1 of 2 components: shop."]
    assert missing == ["Late: Nothing is known"]


def test_only_what_is_in_force_and_came_out_below_is_disappointing():
    rows = [
        decision(verdict="below", status="measured", realised={"value": 1, "low": None}),
        decision(pk=2, verdict="below", status="rolled_back"),
        decision(pk=3, verdict="inside", status="measured"),
    ]
    rows[0].realised["high"] = None
    found = changes.disappointing(rows, {1: "One", 2: "Two", 3: "Three"}, lambda _each: "/1")
    assert sentences(found) == ["Below what was expected: One; realised +$1.00."]
