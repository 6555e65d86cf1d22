"""Key figures and tables of upsell opportunities; pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from math import sqrt
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from aethercrown.formatting import COUNT, MISSING, PERCENT, Unit, counted, full, money, signed
from aethercrown.history.attribution import shown_actor
from dashboards.tables import Column, Table
from dashboards.tiles import Tile
from revenue.upsell.offer_sums import SUMMED, OfferSum

if TYPE_CHECKING:
    from revenue.upsell.reports.pipeline import OpportunityCounts

# an opportunity, its expected effect, and the realised one once it is measured
Acceptance = tuple[Any, Mapping[str, Any], Mapping[str, Any] | None]
Z_90 = 1.6449  # two-sided 90 %
PERCENT_OF_100 = Unit(suffix="%")
KIND_TITLES = {
    "plan_fit": "Plan fits",
    "growth": "Growth",
    "overage_saving": "Saves the customer",
    "limit_pressure": "Near a limit",
}


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
    counts: "Sequence[OpportunityCounts]", accepted: Sequence[Acceptance], currency: str
) -> list[Tile]:
    """Open opportunities, their gain, the acceptance rate and the realised gain."""
    unit = money(currency, 0)
    active, offered = sum(e.active for e in counts), sum(e.offered for e in counts)
    gain = sum((each.gain for each in counts), Decimal(0))
    expected = sum(each.expected_gain for each in counts)
    return [
        Tile(
            "Open",
            full(active, COUNT),
            f"{counted(offered, 'offer')} made",
            "Opportunities that are open or offered; at most one for each customer and reason.",
        ),
        Tile(
            "Potential gain a month",
            full(gain, unit),
            f"{full(expected, unit)} weighted by confidence",
            "Additional revenue a month, by the price book and the forecast use.",
        ),
        _accepted(counts),
        _realised(accepted, unit),
    ]


def _accepted(counts: "Sequence[OpportunityCounts]") -> Tile:
    yes = sum(each.accepted for each in counts)
    rate = acceptance_interval(yes, yes + sum(each.declined for each in counts))
    meaning = "Share of answered offers that were accepted, with its 90% interval."
    if rate is None:
        return Tile("Accepted", MISSING, "No offer was answered yet", meaning)
    low, part, high = (full(each, PERCENT_OF_100) for each in rate)
    return Tile("Accepted", part, f"{low} to {high} of answers", meaning)


def _realised(accepted: Sequence[Acceptance], unit: Unit) -> Tile:
    known = [(expected, realised) for _, expected, realised in accepted if realised]
    meaning = (
        "The change of MRR compared with customers on the same plan without an offer;"
        " an acceptance is measured after 60 days."
    )
    if not known:
        return Tile("Realised gain a month", MISSING, "No acceptance was measured yet", meaning)
    expected = sum(each["estimate"] for each, _ in known)
    note = f"{signed(expected, unit)} expected, {counted(len(known), 'acceptance')} measured"
    gain = signed(sum(each["value"] for _, each in known), unit)
    return Tile("Realised gain a month", gain, note, meaning)


def pipeline(rows: Sequence[Any], currency: str) -> Table:
    """Open and offered opportunities, the best first."""
    unit = money(currency)
    columns = (
        *(
            Column(each, badge=each == "State")
            for each in ("Customer", "Why", "State", "From", "To")
        ),
        *(Column(each, unit, signs=True) for each in ("Gain a month", "At least", "At most")),
        Column("Confidence", PERCENT_OF_100),
        *map(Column, ("Owner", "Found")),
    )
    names = "state current_plan recommended_plan gain gain_low gain_high"
    cells = attrgetter(*names.split())
    lines = [
        (*_whose(e), *cells(e), 100 * e.confidence, e.owner, date_of(e.found_at)) for e in rows
    ]
    paths = [f"/dashboards/upsell/{each.pk}" for each in rows]
    return Table("pipeline", "The pipeline", columns, lines, paths)


def _whose(opportunity: Any) -> tuple[str, str]:
    """Its customer and its reason."""
    return opportunity.customer.name, KIND_TITLES.get(opportunity.kind, opportunity.kind)


def answers_by_kind(counts: "Sequence[OpportunityCounts]", currency: str) -> Table:
    unit = money(currency)
    columns = (
        Column("Why"),
        Column("Open", COUNT),
        Column("Gain a month", unit, signs=True),
        *(Column(each, COUNT) for each in ("Accepted", "Declined", "Not answered")),
        *(Column(each, PERCENT) for each in ("Share accepted", "At least", "At most")),
    )
    lines = []
    for e in counts:
        interval = acceptance_interval(e.accepted, e.accepted + e.declined)
        low, part, high = interval or (None, None, None)
        answers = (e.accepted, e.declined, e.expired)
        lines.append((KIND_TITLES.get(e.kind, e.kind), e.active, e.gain, *answers, part, low, high))
    return Table("kinds", "Answers to offers", columns, lines)


def expected_and_realised(rows: Sequence[Acceptance], currency: str) -> Table:
    """Each acceptance with the expected and the realised gain."""
    unit = money(currency)
    columns = (
        *map(Column, ("Customer", "To", "Accepted")),
        *(Column(each, unit, signs=True) for each in ("Expected", "At least", "At most")),
        Column("Realised", unit, signs=True),
        Column("Verdict"),
    )
    lines = [
        (
            e.customer.name,
            e.recommended_plan,
            date_of(e.decided_at),
            *itemgetter("estimate", "low", "high")(expected),
            realised["value"] if realised else None,
            e.acceptance.get_verdict_display() or "not measured yet",
        )
        for e, expected, realised in rows
    ]
    paths = [f"/dashboards/upsell/{each.pk}" for each, _, _ in rows]
    return Table("effects", "Expected and realised gain", columns, lines, paths)


def sums_of_offers(sums: Sequence[OfferSum], currency: str) -> Table:
    """What each 20 offers were to bring a month, and what they brought."""
    unit = money(currency)
    columns = (
        Column("Offers"),
        *(Column(each, unit, signs=True) for each in ("Expected", "At least", "At most")),
        Column("Accepted gains", unit, signs=True),
        Column("Verdict"),
    )
    lines = [
        (
            f"{SUMMED * place + 1} to {SUMMED * (place + 1)}",
            *(each.estimate, each.low, each.high, each.realised),
            "inside" if each.is_inside else "outside",
        )
        for place, each in enumerate(sums)
    ]
    return Table("sums", f"Expected and accepted gains of {SUMMED} offers each", columns, lines)


def ended_opportunities(rows: Sequence[Any], currency: str) -> Table:
    columns = (
        *(Column(each, badge=each == "State") for each in ("Customer", "Why", "State", "To")),
        Column("Gain a month", money(currency), signs=True),
        *map(Column, ("Ended", "By")),
        Column("Outcome", prose=True),
    )
    cells = attrgetter("state", "recommended_plan", "gain")
    lines = [
        (*_whose(e), *cells(e), date_of(e.decided_at), shown_actor(e.decided_by), e.outcome)
        for e in rows
    ]
    paths = [f"/dashboards/upsell/{each.pk}" for each in rows]
    return Table("ended", "Ended", columns, lines, paths)


def plan_costs(found: Mapping[str, Mapping[str, str]], currency: str) -> Table:
    unit = money(currency)
    columns = (
        Column("Plan"),
        *(Column(each, unit) for each in ("At the low end", "As expected", "At the high end")),
    )
    rows = [
        (code, Decimal(span["low"]), Decimal(span["estimate"]), Decimal(span["high"]))
        for code, span in found.items()
    ]
    return Table("costs", "Cost of every plan a month", columns, rows)


def usage_table(inputs: Mapping[str, Any]) -> Table:
    """The use of the last 30 days, and the forecast of the next 30."""
    columns = (
        Column("Metric"),
        *(Column(each, COUNT) for each in ("Last 30 days", "Next 30, low", "As expected", "High")),
    )
    now, ahead = _usage(inputs.get("now")), inputs.get("ahead", {})
    ends = [_usage(ahead.get(name)) for name in ("low", "estimate", "high")]
    metrics = sorted({*now, *(metric for end in ends for metric in end)})
    rows = [(each, now.get(each), *(end.get(each) for end in ends)) for each in metrics]
    return Table("use", "Use and forecast", columns, rows)


def _usage(inputs: Mapping[str, Any] | None) -> dict[str, Decimal]:
    usage = (inputs or {}).get("usage_data", {})
    return {metric: Decimal(value) for metric, value in usage.items()}


def date_of(moment: datetime | None) -> Any:
    return None if moment is None else moment.date()
