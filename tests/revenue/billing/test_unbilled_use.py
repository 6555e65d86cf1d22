"""The last choice of each day counts."""

from datetime import date

from revenue.billing import unbilled_use
from revenue.billing.unbilled_use import ChosenDays, UseChoice
from revenue.pricing.calculation.plan_use import PlanPeriod


def march(first, end, choice, plan=""):
    return ChosenDays(date(2026, 3, first), date(2026, 3, end), choice, plan)


def test_a_later_choice_replaces_the_days_that_it_has():
    whole = march(1, 20, UseChoice.BILL, "starter")
    middle = march(5, 8, UseChoice.WAIVE)
    found = unbilled_use.in_force([whole, middle])
    assert found == [
        march(1, 5, UseChoice.BILL, "starter"),
        middle,
        march(8, 20, UseChoice.BILL, "starter"),
    ]
    assert unbilled_use.billed(found) == [
        PlanPeriod("starter", date(2026, 3, 1), date(2026, 3, 5)),
        PlanPeriod("starter", date(2026, 3, 8), date(2026, 3, 20)),
    ]
    assert unbilled_use.waived(found) == [middle]
    over_all = march(1, 31, UseChoice.LEAVE)
    assert unbilled_use.in_force([whole, middle, over_all]) == [over_all]
