"""A proposal as charts, each with the table behind it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from aethercrown.charts.bars import BarRow, bars
from aethercrown.charts.curves import CurveMarker, CurvePoint, curve, legend
from aethercrown.charts.lines import Series, line
from aethercrown.charts.svg import KEY, NARROW, SMALL, Caption, Frame
from aethercrown.formatting import PERCENT, full, money, rounded
from aethercrown.text import path_segment
from dashboards.charts import PageChart, page_chart
from dashboards.tables import Column, Table
from marketing.budget.planner.proposal import ChannelSummary, Curve, Proposal

if TYPE_CHECKING:
    from marketing.budget.reports import DailyPerformance

MARK_NAMES = ("Now", "Proposed")
MARGINAL_CELLS = attrgetter(
    "channel", "marginal_roi_now", "marginal_roi", "saturation_percent", "bound"
)
LEGEND_FRAMES = (Frame(481, 40), KEY, NARROW)  # one a size of .sizes; no two share their ids


@dataclass(frozen=True, slots=True)
class ResponseChart:
    """One channel's curve in the row of small charts."""

    channel: str
    path: str
    evidence: str
    drawing: str


def channel_path(channel: str) -> str:
    return f"/dashboards/budget/{path_segment(channel)}"


def ranked(proposal: Proposal) -> list[ChannelSummary]:
    """The channels, those that get most first."""
    return sorted(proposal.channels, key=lambda each: (-each.suggested_allocation, each.channel))


def allocation(proposal: Proposal) -> PageChart:
    """Money by channel, now and proposed, with the 90% interval of the proposed amount."""
    unit = money(proposal.currency)
    summaries = ranked(proposal)
    rows = [
        BarRow(
            each.channel,
            (each.current_allocation, each.suggested_allocation),
            (None, (each.allocation_low, each.allocation_high)),
        )
        for each in summaries
    ]
    return page_chart(
        lambda caption, frame: bars(
            rows, MARK_NAMES, caption, unit, axis=proposal.currency, frame=frame
        ),
        _allocation_table(proposal, summaries),
        note="The thin line over a proposed bar is its 90% interval: the amounts that are optimal "
        "in 90% of the posterior draws.",
        says="; ".join(
            f"{each.channel} from {full(each.current_allocation, unit)}"
            f" to {full(each.suggested_allocation, unit)}"
            for each in summaries
        ),
    )


def _allocation_table(proposal: Proposal, summaries: Sequence[ChannelSummary]) -> Table:
    unit = money(proposal.currency)
    reasons = {each.channel: each.reason for each in proposal.recommendations}
    columns = (
        Column("Channel"),
        Column("Now", unit),
        Column("Proposed", unit),
        Column("Change", unit, signs=True),
        Column("Low", unit),
        Column("High", unit),
        Column("Evidence"),
        Column("Why", prose=True),
    )
    rows = [
        (
            each.channel,
            each.current_allocation,
            each.suggested_allocation,
            each.suggested_allocation - each.current_allocation,
            each.allocation_low,
            each.allocation_high,
            each.evidence,
            reasons.get(each.channel, ""),
        )
        for each in summaries
    ]
    paths = [channel_path(each.channel) for each in summaries]
    return Table("allocation", "Allocation, now and proposed", columns, rows, paths)


def marginal(proposal: Proposal) -> PageChart:
    """Revenue of the next unit of money in each channel, now and under the plan."""
    unit = money(proposal.currency, 2)
    summaries = ranked(proposal)
    rows = [BarRow(each.channel, (each.marginal_roi_now, each.marginal_roi)) for each in summaries]
    columns = (
        Column("Channel"),
        Column("Now", unit),
        Column("After", unit),
        Column("Saturation", PERCENT),
        Column("Limited by"),
    )
    table = Table(
        "marginal",
        "Marginal return, now and after",
        columns,
        list(map(MARGINAL_CELLS, summaries)),
    )
    one = full(1, rounded(unit))
    return page_chart(
        lambda caption, frame: bars(
            rows, ("Now", "After"), caption, unit, axis=f"revenue for one more {one}", frame=frame
        ),
        table,
        note=f"Under the plan, one more {one} earns {full(proposal.marginal_return, unit)} in each "
        "channel that no bound limits.",
    )


def responses(proposal: Proposal, periods: int = 1) -> list[ResponseChart]:
    """A small chart for each channel: revenue at a steady spend, with the present and new spend."""
    curves = {each.channel: each for each in proposal.curves}
    return [
        ResponseChart(
            each.channel,
            channel_path(each.channel),
            each.evidence,
            response(curves[each.channel], each, proposal.currency, periods),
        )
        for each in ranked(proposal)
        if each.channel in curves
    ]


def response(
    one: Curve, summary_row: ChannelSummary, currency: str, periods: int = 1, frame: Frame = SMALL
) -> str:
    """One channel's curve; the plan's money is spread evenly over its periods."""
    unit = money(currency, 0)
    places = [CurvePoint(each.spend, each.revenue, each.low, each.high) for each in one.points]
    spends = (summary_row.current_allocation / periods, summary_row.suggested_allocation / periods)
    marks = [CurveMarker(name, spend) for name, spend in zip(MARK_NAMES, spends, strict=True)]
    says = f"Spend goes from {full(spends[0], unit)} to {full(spends[1], unit)} a period."
    caption = Caption(f"curve-{one.channel}", f"Response of {one.channel}", says)
    return curve(places, marks, caption, (unit, unit), axes=("revenue", "spend"), frame=frame)


def curve_legend() -> tuple[str, ...]:
    caption = Caption("curve-key", "What the lines and marks of the curves mean")
    return tuple(legend(MARK_NAMES, caption, frame) for frame in LEGEND_FRAMES)


def curve_table(proposal: Proposal, channel: str = "") -> Table:
    """Every point of every curve, or of one."""
    unit = money(proposal.currency, 0)
    columns = (
        Column("Channel"),
        *(Column(each, unit) for each in ("Spend", "Revenue", "Low", "High")),
        Column("Marginal return", money(proposal.currency, 2)),
    )
    rows = [
        (one.channel, at.spend, at.revenue, at.low, at.high, at.marginal)
        for one in proposal.curves
        if channel in {"", one.channel}
        for at in one.points
    ]
    return Table("curves", "Response curves", columns, rows)


def trend(
    days: "Sequence[DailyPerformance]", currency: str, title: str = "Spend and revenue"
) -> PageChart:
    """Spend and revenue over time."""
    unit = money(currency, 0)
    table = Table(
        "trend",
        title,
        (Column("Date"), Column("Spend", unit), Column("Revenue", unit)),
        [(each.on, each.spend, each.revenue) for each in days],
    )
    series = [Series("Spend", [each.spend for each in days])]
    if any(each.revenue is not None for each in days):
        series.append(Series("Revenue", [each.revenue for each in days]))
    return page_chart(
        lambda caption, frame: line(
            [each.on for each in days], series, caption, unit, axis=currency, frame=frame
        ),
        table,
    )
