"""The made-up company lives as it says."""

from datetime import date

import numpy as np
import pytest

from marketing.demo.company import CHANNELS, SimulatedCompany

MONDAY = date(2026, 1, 5)


def test_the_usual_shares_make_up_the_budget():
    assert sum(each.share for each in CHANNELS) == pytest.approx(1)
    assert sum(SimulatedCompany(np.random.default_rng(1), 500.0).usual.values()) == pytest.approx(
        500
    )


def test_a_week_has_one_row_a_channel_in_cents():
    company = SimulatedCompany(np.random.default_rng(1), 10_000.0)
    rows = company.week(MONDAY, company.usual, 0.0)
    assert [row.channel for row in rows] == [each.name for each in CHANNELS]
    assert [float(row.spend) for row in rows] == pytest.approx(list(company.usual.values()))
    assert all(row.revenue == round(row.revenue, 2) for row in rows)


def test_money_earns_less_and_less():
    def earned(times):
        company = SimulatedCompany(np.random.default_rng(1), 10_000.0)
        plan = {name: times * amount for name, amount in company.usual.items()}
        weeks = [company.week(MONDAY, plan, 0.0) for _ in range(30)]
        return sum(float(row.revenue) for row in weeks[-1])

    assert earned(1) < earned(2) < 2 * earned(1)


def test_spend_follows_demand_only_where_it_is_told_to():
    def spends(demand_response):
        company = SimulatedCompany(np.random.default_rng(1), 10_000.0)
        days = [date(2026, month, 1) for month in range(1, 13)]
        return [
            sum(float(r.spend) for r in company.week(on, company.usual, 0.0, demand_response))
            for on in days
        ]

    assert np.std(spends(0.0)) < 0.01
    assert np.std(spends(0.5)) > 100
