"""Opportunities as figures and tables; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import sqrt
from typing import Any, Protocol

from aethercrown.charts.figures import COUNT, MISSING, PERCENT, Unit, full, money, signed
from dashboards.key_figures import KeyFigure, count_text
from dashboards.tables import Column, Table

Z_90 = 1.6449  # of an interval of 90 %
SHARE = Unit(suffix="%")
KIND_TITLES = {
    "plan_fit": "Plan fits",
    "growth": "Growth",
    "overage_saving": "Saves the customer",
    "limit_pressure": "Near a limit",
}


class KindCounts(Protocol):
    """One kind's opportunities."""

    @property
    def kind(self) -> str: ...
    @property
    def alive(self) -> int: ...
    @property
    def offered(self) -> int: ...
    @property
    def gain(self) -> Decimal: ...
    @property
    def probability_text(self) -> float: ...
    @property
    def accepted(self) -> int: ...
    @property
    def declined(self) -> int: ...
    @property
    def expired(self) -> int: ...


def acceptance_interval(accepted: int, answered: int) -> tuple[float, float, float] | None:
    """The percent accepted with its 90 % interval (Wilson 1927); None before any answer."""
    if not answered:
        return None
    part = accepted / answered
    weight = Z_90 * Z_90 / answered
    middle = (part + weight / 2) / (1 + weight)
    half = Z_90 * sqrt(part * (1 - part) / answered + weight / (4 * answered)) / (1 + weight)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return 100 * low, 100 * part, 100 * high


def summary_figures(
    standings: Sequence[KindCounts], promised: Sequence[Mapping[str, Any]], currency: str
) -> list[KeyFigure]:
    """The pipeline, its worth, how offers are answered, and what acceptances brought."""
    unit = money(currency, 0)
    alive, offered = sum(e.alive for e in standings), sum(e.offered for e in standings)
    gain = sum((each.gain for each in standings), Decimal(0))
    probability_text = sum(each.probability_text for each in standings)
    return [
        KeyFigure(
            "Open",
            full(alive, COUNT),
            f"{count_text(offered, 'offer')} out",
            "Opportunities that wait or were offered; one a customer and reason.",
        ),
        KeyFigure(
            "Worth a month",
            full(gain, unit),
            f"{full(probability_text, unit)} weighted by confidence",
            "What the customers would pay more a month, by the price book and the use ahead.",
        ),
        _accepted(standings),
        _gained(promised, unit),
    ]


def _accepted(standings: Sequence[KindCounts]) -> KeyFigure:
    yes = sum(each.accepted for each in standings)
    rate = acceptance_interval(yes, yes + sum(each.declined for each in standings))
    meaning = "Of the offers that were answered, with the interval that holds 90% of it."
    if rate is None:
        return KeyFigure("Accepted", MISSING, "No offer was answered yet", meaning)
    low, part, high = (full(each, SHARE) for each in rate)
    return KeyFigure("Accepted", part, f"{low} to {high} of answers", meaning)


def _gained(promised: Sequence[Mapping[str, Any]], unit: Unit) -> KeyFigure:
    known = [each for each in promised if each["realised"] is not None]
    meaning = (
        "How MRR moved since, beside customers on the same plan who were offered nothing;"
        " an acceptance is measured after 60 days."
    )
    if not known:
        return KeyFigure("Gained a month", MISSING, "No acceptance was measured yet", meaning)
    brought, meant = (sum(each[name] for each in known) for name in ("realised", "estimate"))
    note = f"{signed(meant, unit)} promised, {count_text(len(known), 'acceptance')} measured"
    return KeyFigure("Gained a month", signed(brought, unit), note, meaning)


def pipeline(rows: Sequence[Mapping[str, Any]], currency: str) -> Table:
    """What waits or is out, the best first."""
    unit = money(currency)
    columns = (
        Column("Customer"),
        Column("Why"),
        Column("State"),
        Column("From"),
        Column("To"),
        Column("Gain a month", unit, signs=True),
        Column("At least", unit, signs=True),
        Column("At most", unit, signs=True),
        Column("Confidence", SHARE),
        Column("Owner"),
        Column("Found"),
    )
    lines = [
        (
            e["customer"],
            KIND_TITLES.get(e["kind"], e["kind"]),
            e["state"],
            e["current_plan"],
            e["recommended_plan"],
            e["gain"],
            e["gain_low"],
            e["gain_high"],
            100 * e["confidence"],
            e["owner"],
            date_of(e["found_at"]),
        )
        for e in rows
    ]
    paths = [f"/dashboards/upsell/{each['pk']}" for each in rows]
    return Table("pipeline", "The pipeline", columns, lines, paths)


def answers_by_kind(standings: Sequence[KindCounts], currency: str) -> Table:
    """How offers of each kind were answered."""
    unit = money(currency)
    columns = (
        Column("Why"),
        Column("Open", COUNT),
        Column("Gain a month", unit, signs=True),
        Column("Accepted", COUNT),
        Column("Declined", COUNT),
        Column("Not answered", COUNT),
        Column("Share accepted", PERCENT),
        Column("At least", PERCENT),
        Column("At most", PERCENT),
    )
    lines = []
    for e in standings:
        low, part, high = acceptance_interval(e.accepted, e.accepted + e.declined) or (
            None,
            None,
            None,
        )
        answers = (e.accepted, e.declined, e.expired)
        lines.append((KIND_TITLES.get(e.kind, e.kind), e.alive, e.gain, *answers, part, low, high))
    return Table("kinds", "How offers are answered", columns, lines)


def promised_and_measured(rows: Sequence[Mapping[str, Any]], currency: str) -> Table:
    """Each acceptance: what it promised, and what MRR did."""
    unit = money(currency)
    columns = (
        Column("Customer"),
        Column("To"),
        Column("Accepted"),
        Column("Promised", unit, signs=True),
        Column("At least", unit, signs=True),
        Column("At most", unit, signs=True),
        Column("Gained", unit, signs=True),
        Column("Verdict"),
    )
    lines = [
        (
            e["customer"],
            e["plan"],
            date_of(e["decided_at"]),
            e["estimate"],
            e["low"],
            e["high"],
            e["realised"],
            e["verdict"] or "not measured yet",
        )
        for e in rows
    ]
    paths = [f"/dashboards/upsell/{each['pk']}" for each in rows]
    return Table("promises", "Promised and gained", columns, lines, paths)


def ended_opportunities(rows: Sequence[Mapping[str, Any]], currency: str) -> Table:
    """What came to an end, and why."""
    columns = (
        Column("Customer"),
        Column("Why"),
        Column("State"),
        Column("To"),
        Column("Gain a month", money(currency), signs=True),
        Column("Ended"),
        Column("By"),
        Column("Outcome", prose=True),
    )
    lines = [
        (
            e["customer"],
            KIND_TITLES.get(e["kind"], e["kind"]),
            e["state"],
            e["recommended_plan"],
            e["gain"],
            date_of(e["decided_at"]),
            e["decided_by"],
            e["outcome"],
        )
        for e in rows
    ]
    paths = [f"/dashboards/upsell/{each['pk']}" for each in rows]
    return Table("ended", "Over", columns, lines, paths)


def plan_costs(found: Mapping[str, Mapping[str, str]], currency: str) -> Table:
    """Every plan's rated cost for the use ahead."""
    unit = money(currency)
    columns = (
        Column("Plan"),
        Column("At the low end", unit),
        Column("As expected", unit),
        Column("At the high end", unit),
    )
    rows = [
        (code, Decimal(span["low"]), Decimal(span["estimate"]), Decimal(span["high"]))
        for code, span in found.items()
    ]
    return Table("costs", "A month under every plan", columns, rows)


def usage_table(inputs: Mapping[str, Any]) -> Table:
    """The use of the last 30 days, and of the 30 to come."""
    columns = (
        Column("Metric"),
        Column("Last 30 days", COUNT),
        Column("Next 30, low", COUNT),
        Column("As expected", COUNT),
        Column("High", COUNT),
    )
    now, ahead = _usage(inputs.get("now")), inputs.get("ahead", {})
    ends = [_usage(ahead.get(name)) for name in ("low", "estimate", "high")]
    metrics = sorted({*now, *(metric for end in ends for metric in end)})
    rows = [(each, now.get(each), *(end.get(each) for end in ends)) for each in metrics]
    return Table("use", "Use, and the use ahead", columns, rows)


def _usage(situation: Mapping[str, Any] | None) -> dict[str, Decimal]:
    told = (situation or {}).get("usage_data", {})
    return {metric: Decimal(value) for metric, value in told.items()}


def date_of(moment: datetime | None) -> Any:
    """The day alone, where there is one."""
    return None if moment is None else moment.date()
