"""Plans with their expected and realised lift, as tables; pure."""

from collections.abc import Sequence
from typing import Any

from aethercrown.formatting import COUNT, PERCENT, counted, money, probability_text, signed
from dashboards.tables import Column, Table
from marketing.budget.measurement.followed import PlannedSpend
from marketing.budget.planner.proposal import Interval, Proposal

FOLLOWED = {True: "yes", False: "no", None: "not known"}
NO_BREAK = "\N{NO-BREAK SPACE}"  # an interval stands on one line


def plan_history(plans: Sequence[Any], currency: str) -> Table:
    """One row for each of the `plans`, rows of BudgetPlan, linked to its own page."""
    columns = (
        Column("Plan"),
        Column("From"),
        Column("Made at"),
        Column("Total", money(currency)),
        Column("Status", badge=True),
        Column("Expected lift", PERCENT, signs=True),
        Column("90% interval"),
        Column("Realised lift", PERCENT, signs=True),
        Column("90% interval, realised"),
        Column("Outcome"),
    )
    rows = [
        (
            f"Plan {each.pk}",
            each.starts_on,
            each.created_at,
            each.total,
            each.decision.status.replace("_", " "),
            each.expected_lift.estimate,
            interval_text(each.expected_lift),
            each.realised_lift.estimate if each.realised_lift else None,
            interval_text(each.realised_lift),
            each.decision.get_verdict_display(),
        )
        for each in plans
    ]
    paths = [f"/dashboards/budget?plan={each.pk}" for each in plans]
    return Table("history", "Plans and their realised lift", columns, rows, paths)


def interval_text(interval: Interval | None) -> str:
    """The interval in words; nothing where there is none."""
    if interval is None:
        return ""
    low, high = signed(interval.low, PERCENT), signed(interval.high, PERCENT)
    return f"{low} to {high}".replace(" ", NO_BREAK)


def placebo(proposal: Proposal) -> Table:
    """The probability of a lift had the assumptions been others."""
    rows = [(name, probability_text(chance)) for name, chance in proposal.placebo.items()]
    return Table(
        "placebo", "Under other assumptions", (Column("Assumption"), Column("Probability")), rows
    )


def followed(rows: Sequence[PlannedSpend], weeks: int, currency: str) -> Table:
    """What is in force beside what was spent since; empty until a whole week is stored."""
    unit = money(currency)
    columns = (
        Column("Channel"),
        Column("In force a week", unit),
        Column("Spent a week", unit),
        Column("Weeks with rows", COUNT),
        Column("Followed", badge=True),
    )
    lines = [
        (each.channel, each.planned, each.spent, each.known_weeks, FOLLOWED[each.is_followed])
        for each in rows
    ]
    return Table("followed", f"Spent since, over {counted(weeks, 'week')}", columns, lines)
