"""Read a stored proposal, and format it as the API response."""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from marketing.budget.planner.proposal import (
    Backtest,
    ChannelRecommendation,
    ChannelSummary,
    Curve,
    Experiment,
    Interval,
    Proposal,
    ResponsePoint,
)

CHANGE = ("current_allocation", "suggested_allocation")
MONEY_FIELDS = {*CHANGE, "allocation_low", "allocation_high"}


def load_proposal(row: Mapping[str, Any]) -> Proposal:
    """The proposal that was stored as `row`: as a dictionary, with money as text."""
    plain = dict(row)
    plain["total"] = Decimal(row["total"])
    for name in ("allocations", "present"):
        plain[name] = {channel: Decimal(amount) for channel, amount in row[name].items()}
    for name in ("expected_revenue", "expected_lift_percent"):
        plain[name] = Interval(**row[name])
    for name in ("reasons_against", "warnings"):
        plain[name] = tuple(row[name])
    plain["channels"] = tuple(ChannelSummary(**_decimals(each)) for each in row["channels"])
    plain["recommendations"] = tuple(
        ChannelRecommendation(**_decimals(each)) for each in row["recommendations"]
    )
    plain["curves"] = tuple(
        Curve(each["channel"], tuple(ResponsePoint(**point) for point in each["points"]))
        for each in row["curves"]
    )
    plain["backtest"] = Backtest(**row["backtest"]) if row["backtest"] else None
    experiment = row["next_experiment"]
    plain["next_experiment"] = Experiment(**experiment) if experiment else None
    return Proposal(**plain)


def _decimals(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, **{name: Decimal(row[name]) for name in MONEY_FIELDS & row.keys()}}


def optimize_response(proposal: Proposal, plan_id: int) -> dict[str, Any]:
    """The body of POST optimization/budget/optimize; money as numbers with two decimals."""
    experiment = proposal.next_experiment
    return {
        "allocations": _amounts(proposal.allocations),
        "channel_roi": {
            name: None if roi is None else round(roi, 2)
            for name, roi in proposal.channel_roi.items()
        },
        "total_budget": float(proposal.total),
        "currency": proposal.currency,
        "recommendations": [recommendation_fields(each) for each in proposal.recommendations],
        "expected_revenue": interval_fields(proposal.expected_revenue),
        "expected_lift_percent": interval_fields(proposal.expected_lift_percent),
        "channels": [_channel_fields(each) for each in proposal.channels],
        "probability_of_lift": round(proposal.probability_of_lift, 4),
        "auto_applicable": proposal.auto_applicable,
        "method": proposal.method,
        "plan_id": plan_id,
        # Beyond the contract:
        "mode": proposal.mode,
        "present": _amounts(proposal.present),
        "marginal_return": round(proposal.marginal_return, 4),
        "evidence": proposal.evidence,
        "reasons_against": list(proposal.reasons_against),
        "warnings": list(proposal.warnings),
        "backtest": proposal.backtest_note,
        "next_experiment": asdict(experiment) if experiment else None,
        "placebo": {name: round(value, 4) for name, value in proposal.placebo.items()},
    }


def _amounts(amounts: Mapping[str, Decimal]) -> dict[str, float]:
    return {name: float(amount) for name, amount in amounts.items()}


def interval_fields(interval: Interval) -> dict[str, float]:
    low, high = round(interval.low, 2), round(interval.high, 2)
    return {"estimate": round(interval.estimate, 2), "low": low, "high": high}


def recommendation_fields(each: ChannelRecommendation) -> dict[str, Any]:
    money = {name: float(getattr(each, name)) for name in CHANGE}
    return asdict(each) | money


def _channel_fields(each: ChannelSummary) -> dict[str, Any]:
    return {
        "channel": each.channel,
        "marginal_roi": round(each.marginal_roi, 4),
        "marginal_roi_now": round(each.marginal_roi_now, 4),
        "saturation_percent": round(each.saturation_percent, 2),
        "allocation_low": float(each.allocation_low),
        "allocation_high": float(each.allocation_high),
        "trend": each.trend,
        "evidence": each.evidence,
        "bound": each.bound,
    }
