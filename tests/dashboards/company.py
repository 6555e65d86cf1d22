"""A small company for pages: weekly rows, a plan applied and measured, and one that waits."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zlib import crc32

import numpy as np

from marketing.budget import services
from marketing.budget.models import BudgetPlan
from marketing.channels.models import Channel, Performance, TotalRevenue
from operations.decisions import services as decisions
from tests import snapshot

NOW = datetime(2026, 1, 12, 3, tzinfo=UTC)
LAST = date(2026, 1, 5)
NAMES = {  # usual spend a week, and the power of spend that revenue follows
    "Search": (3200, 0.75),
    "Social": (2900, 0.35),
    "Video": (2400, 0.6),
    "Affiliates & partners": (1500, 0.5),
}


def channels(weeks: int = 60, *, revenue: bool = True) -> list[Channel]:
    """Channels with rows on Mondays, the last in the week before NOW."""
    made = [channel(name, weeks, revenue=revenue) for name in NAMES]
    if not revenue:
        _totals(LAST - timedelta(weeks=weeks - 1), weeks)
    return made


def channel(name: str, weeks: int, *, revenue: bool = True) -> Channel:
    """One channel with its rows; the same name has the same rows each time."""
    made = Channel.objects.create(name=name, currency="USD")
    draw = np.random.default_rng(crc32(name.encode()))
    usual, shape = NAMES.get(name, (1000, 0.5))
    spend = usual * np.exp(0.25 * draw.standard_normal(weeks))
    earned = 3 * usual * (spend / usual) ** shape * np.exp(0.1 * draw.standard_normal(weeks))
    Performance.objects.bulk_create(
        Performance(
            channel=made,
            date=LAST - timedelta(weeks=weeks - 1 - week),
            spend=_cents(spend[week]),
            revenue=_cents(earned[week]) if revenue else None,
            currency="USD",
        )
        for week in range(weeks)
    )
    return made


def _totals(first: date, weeks: int) -> None:
    spent: dict[date, float] = {}
    for on, spend in Performance.objects.values_list("date", "spend"):
        spent[on] = spent.get(on, 0.0) + float(spend)
    TotalRevenue.objects.bulk_create(
        TotalRevenue(
            date=first + timedelta(weeks=week),
            amount=_cents(30_000 + 1.5 * spent[first + timedelta(weeks=week)]),
            currency="USD",
        )
        for week in range(weeks)
    )


def waiting() -> BudgetPlan:
    """A plan over the stored rows that waits for a person."""
    return services.replan(now=NOW, mode="propose")


def gone_well() -> BudgetPlan:
    """A plan of nine weeks ago, applied then and measured since."""
    then = NOW - timedelta(weeks=9)
    plan = services.replan(now=then, mode="propose")
    services.approve(plan.pk, actor="sam", now=then + timedelta(hours=5))
    decisions.measure_due(NOW)
    return BudgetPlan.objects.select_related("decision").get(pk=plan.pk)


def with_plans(weeks: int = 60) -> list[BudgetPlan]:
    """Channels with a plan that was applied and measured, and one that waits."""

    def make() -> list[BudgetPlan]:
        channels(weeks)
        return [gone_well(), waiting()]

    made: list[BudgetPlan] = snapshot.loaded(f"company of {weeks} weeks with plans", make)
    return made


def _cents(amount: float) -> Decimal:
    return Decimal(f"{amount:.2f}")
