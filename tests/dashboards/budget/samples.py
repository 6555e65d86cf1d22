"""A proposal made up by hand: four channels, one of them held by a bound."""

from decimal import Decimal

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

FIGURES = {  # now, proposed, half spend, ceiling, marginal now, marginal after
    "Search": (3200, 4200, 2600, 24_000, 2.41, 1.62),
    "Social": (2900, 2100, 900, 9_000, 0.71, 1.6),
    "Video": (2400, 2150, 1500, 9_500, 1.31, 1.58),
    "Affiliates & partners": (1500, 1550, 1700, 7_100, 1.74, 1.61),
}


def proposal(**changes) -> Proposal:
    """The sample; any field can be given another value."""
    plain = {
        "total": Decimal(10_000),
        "currency": "USD",
        "mode": "channels",
        "allocations": {name: Decimal(each[1]) for name, each in FIGURES.items()},
        "present": {name: Decimal(each[0]) for name, each in FIGURES.items()},
        "channel_roi": dict.fromkeys(FIGURES, 120.0),
        "expected_revenue": Interval(28_900.0, 26_100.0, 31_700.0),
        "expected_lift_percent": Interval(6.4, 1.2, 11.9),
        "probability_of_lift": 0.963,
        "auto_applicable": False,
        "reasons_against": ("The automation's mode is propose.",),
        "marginal_return": 1.61,
        "channels": tuple(map(channel_summary, FIGURES)),
        "recommendations": tuple(map(recommendation, FIGURES)),
        "curves": tuple(map(response, FIGURES)),
        "backtest": Backtest(18.2, 24.9, 91.0, 24, drifting=False, healthy=True),
        "backtest_note": "Forecasts beat the mean of the last four periods.",
        "next_experiment": Experiment("Video", "Raise Video by 30% for four weeks."),
        "evidence": "medium",
        "placebo": {},
        "warnings": (),
        "method": "36 shapes x 5 decays, v1",
        "input_digest": "ab" * 32,
    }
    return Proposal(**{**plain, **changes})


def channel_summary(name: str) -> ChannelSummary:
    now, then, _, _, before, after = FIGURES[name]
    return ChannelSummary(
        channel=name,
        current_allocation=Decimal(now),
        suggested_allocation=Decimal(then),
        roi_percent=120.0,
        marginal_roi_now=before,
        marginal_roi=after,
        saturation_percent=44.0,
        allocation_low=Decimal(then) * Decimal("0.85"),
        allocation_high=Decimal(then) * Decimal("1.12"),
        trend="flat",
        evidence="medium",
        bound="",
    )


def recommendation(name: str) -> ChannelRecommendation:
    now, then, _, _, before, after = FIGURES[name]
    return ChannelRecommendation(
        channel=name,
        action="increase" if then > now else "decrease",
        reason=f"The next dollar brings ${before} now and ${after} after the change.",
        current_allocation=Decimal(now),
        suggested_allocation=Decimal(then),
    )


def response(name: str) -> Curve:
    now, _, half, ceiling, _, _ = FIGURES[name]
    points = []
    for place in range(25):
        spend = now * place / 12
        revenue = ceiling * spend / (half + spend)
        doubt = 0.08 + 0.012 * abs(place - 12)
        slope = ceiling * half / (half + spend) ** 2
        points.append(
            ResponsePoint(spend, revenue, revenue * (1 - doubt), revenue * (1 + doubt), slope)
        )
    return Curve(name, tuple(points))
