"""How often each channel reports, and rows of several cadences brought to one grid."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from marketing.budget.model.weeks import DAY, MONDAY, WEEK, usual_gap, week_of
from marketing.budget.planner.request import (
    BudgetRequest,
    Infeasible,
    PerformanceRow,
    RequestProblem,
)

MONTH_DAYS, QUARTER_DAYS = range(28, 32), range(89, 93)
MIN_DATES = 3  # from which a cadence is known
WORDS = {1: "day", 7: "week", 30: "month", 91: "quarter"}
ADDED_UP = "by day, added up"
NOT_WHOLE = "not one whole period yet, planned as new"
MAX_SPREAD = 100_000  # periods of all channels together over which rare rows are spread
TOTALS = ""  # stands for the company in place of a channel


@dataclass(frozen=True, slots=True)
class Aligned:
    """Rows of one grid; `reported` says of each channel that was changed how it reports."""

    rows: tuple[PerformanceRow, ...]
    reported: Mapping[str, str] = field(default_factory=dict)


def cadence_days(dates: Sequence[dt.date]) -> int:
    """Usual days between sorted dates: 1, 7, 30 for months, 91 for quarters; 0 if not known."""
    if len(dates) < MIN_DATES:
        return 0
    days = usual_gap(dates).days
    if days < WEEK.days:
        return 1
    same_weekday = len({on.weekday() for on in dates}) == 1
    if days in MONTH_DAYS and not same_weekday:
        return 30
    return 91 if days in QUARTER_DAYS and not same_weekday else days


def align(
    rows: Sequence[PerformanceRow], *, weekly: bool = False, least: int = 0, most: int | None = None
) -> Aligned:
    """Dated rows on one grid: days are added up, rarer rows are spread evenly over their days.

    Rows of one cadence stay as they are, with `weekly` only those by day or week. The grid are
    weeks; months where nothing is finer, or where `least` days are more than a week. Raises
    Infeasible where rows would be spread over more than `most` periods.
    """
    by_channel = _dates_by_channel(rows)
    known = {name: cadence_days(dates) for name, dates in by_channel.items()}
    if _is_uniform(by_channel, known, weekly=weekly):
        return Aligned(tuple(rows))
    finest = min((days for days in known.values() if days), default=7)
    monthly = least > WEEK.days or (finest >= 30 and not weekly)
    grid = _Grid(monthly, _weekday(by_channel, known), by_channel, known)
    if most is not None:
        _refuse_wide_spread(grid, most)
    cells = grid.cells(rows)
    reported = {name: words for name in by_channel if (words := grid.words(name))}
    return Aligned(tuple(_rows(cells, grid)), reported)


def on_one_grid(request: BudgetRequest) -> BudgetRequest:
    """The request with its rows, and the totals beside them, on one grid."""
    if any(row.date is None for row in request.rows):
        return request
    totals = [PerformanceRow(TOTALS, 0.0, money, on) for on, money in request.total_revenue or ()]
    least = cadence_days(sorted({row.date for row in totals if row.date}))
    found = align([*request.rows, *totals], least=least, most=MAX_SPREAD)
    if not found.reported:
        return request
    sums = tuple((row.date, row.revenue or 0.0) for row in found.rows if row.channel == TOTALS)
    rows = tuple(row for row in found.rows if row.channel != TOTALS)
    if not rows:
        message = "covers no whole period: no channel has a whole week or month of rows"
        raise Infeasible((RequestProblem("historical_data", "too_few", message),))
    left_out = sorted({row.channel for row in request.rows} - {row.channel for row in rows})
    reported = {name: words for name, words in found.reported.items() if name or words != ADDED_UP}
    return replace(
        request,
        rows=rows,
        new_channels=(*request.new_channels, *left_out),
        total_revenue=None if request.total_revenue is None else _dated(sums),
        reported=reported | dict.fromkeys(left_out, NOT_WHOLE),
    )


def _refuse_wide_spread(grid: "_Grid", most: int) -> None:
    periods = grid.spread_periods()
    if periods > most:
        message = f"has rare rows over {periods:,} periods of its channels; at most {most:,}"
        raise Infeasible((RequestProblem("historical_data", "too_many", message),))


def _dated(sums: Iterable[tuple[dt.date | None, float]]) -> tuple[tuple[dt.date, float], ...]:
    return tuple((on, money) for on, money in sums if on is not None)


def notes(reported: Mapping[str, str]) -> Iterator[str]:
    """What was done to channels that report differently from the others."""
    if reported:
        listed = "; ".join(
            f"{name or 'total revenue'}: {words}" for name, words in sorted(reported.items())
        )
        yield f"Not every channel has a row for each period of the plan ({listed})."


def reasons_against(reported: Mapping[str, str]) -> Iterator[str]:
    """Why a plan of rows that were spread or moved is not applied automatically."""
    names = estimated(reported)
    if names:
        yield f"The spend of single periods is not known for {', '.join(sorted(names))}."


def estimated(reported: Mapping[str, str]) -> set[str]:
    """The channels whose periods are spread or moved, and not added up from days."""
    return {name for name, words in reported.items() if name and words != ADDED_UP}


def _dates_by_channel(rows: Sequence[PerformanceRow]) -> dict[str, list[dt.date]]:
    found: dict[str, set[dt.date]] = {}
    for name, on in ((row.channel, row.date) for row in rows if row.date):
        found.setdefault(name, set()).add(on)
    return {name: sorted(dates) for name, dates in sorted(found.items())}


def _is_uniform(
    by_channel: Mapping[str, Sequence[dt.date]], known: Mapping[str, int], *, weekly: bool
) -> bool:
    """Whether all channels report on the same dates, as often as the dates of all together."""
    dates = sorted({on for each in by_channel.values() for on in each})
    together = cadence_days(dates)
    if {days for days in known.values() if days} - {together}:
        return False
    closest = min((after - before for before, after in pairwise(dates)), default=WEEK).days
    if together > 1 and 2 * closest <= together:
        return False
    return not weekly or together <= WEEK.days


def _weekday(by_channel: Mapping[str, Sequence[dt.date]], known: Mapping[str, int]) -> int:
    """The weekday on which most weekly rows begin; Monday without any."""
    starts = Counter(
        on.weekday() for name, dates in by_channel.items() if known[name] == 7 for on in dates
    )
    return min(starts, key=lambda day: (-starts[day], day)) if starts else MONDAY


@dataclass(slots=True)
class _Cell:
    """A channel in a period of the grid; `days` are those that rows cover."""

    spend: float = 0.0
    revenue: float = 0.0
    has_revenue: bool = False
    is_unknown: bool = False
    days: float = 0.0


Cells = dict[tuple[str, dt.date], _Cell]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Weeks that begin on `weekday`, or calendar months."""

    monthly: bool
    weekday: int
    by_channel: Mapping[str, Sequence[dt.date]]
    known: Mapping[str, int]

    def start(self, on: dt.date) -> dt.date:
        return on.replace(day=1) if self.monthly else week_of(on, self.weekday)

    def next_start(self, start: dt.date) -> dt.date:
        return _month_after(start) if self.monthly else start + WEEK

    def days_of(self, start: dt.date) -> int:
        return (self.next_start(start) - start).days

    @property
    def length(self) -> int:
        return 30 if self.monthly else WEEK.days

    def words(self, name: str) -> str:
        """How a channel reports that is not on the grid; empty for one that is."""
        days, dates = self.known[name], self.by_channel[name]
        on_grid = all(self.start(on) == on for on in dates)
        if days == 1:
            return ADDED_UP
        if self.is_spread(name):
            return f"by {WORDS.get(days, f'{days} days')}, spread evenly"
        if on_grid and days > self.length:
            return f"a row every {days} days, without spend between them"
        return "" if on_grid else f"{dates[-1]:%A}s, moved to the nearest period"

    def is_spread(self, name: str) -> bool:
        """Whether rows are for longer than a period, and begin on other days than periods do."""
        if self.known[name] <= self.length:
            return False
        on_grid = all(self.start(on) == on for on in self.by_channel[name])
        alone = not any(0 < days <= self.length for days in self.known.values())
        return self.monthly or not on_grid or alone

    def spread_periods(self) -> int:
        """About over how many periods rows are spread, all channels together."""
        days = sum(
            (dates[-1] - dates[0]).days + self.known[name]
            for name, dates in self.by_channel.items()
            if self.is_spread(name)
        )
        return days // self.length

    def ends(self, name: str) -> dict[dt.date, dt.date]:
        """The first day after each row of a channel."""
        dates, days = self.by_channel[name], self.known[name] or self.length
        ends = {}
        for at, on in enumerate(dates):
            usual = _month_after(on) if days == 30 else on + dt.timedelta(days=days)
            after = dates[at + 1] if at + 1 < len(dates) else usual
            ends[on] = after if (after - on).days <= 1.5 * days else usual
        return ends

    def cells(self, rows: Sequence[PerformanceRow]) -> Cells:
        found: Cells = {}
        ends = {name: self.ends(name) for name in self.by_channel if self.is_spread(name)}
        counted: set[tuple[str, dt.date]] = set()
        for row, on in ((row, row.date) for row in rows if row.date):
            is_first = (row.channel, on) not in counted
            counted.add((row.channel, on))
            for start, share, days in self.parts(row.channel, on, ends.get(row.channel)):
                cell = found.setdefault((row.channel, start), _Cell())
                cell.spend += share * row.spend
                cell.revenue += share * (row.revenue or 0.0)
                cell.has_revenue |= row.revenue is not None
                cell.is_unknown |= row.is_unknown
                cell.days += days if is_first else 0.0
        return found

    def parts(
        self, name: str, on: dt.date, ends: Mapping[dt.date, dt.date] | None
    ) -> Iterator[tuple[dt.date, float, float]]:
        """The periods of a row, with their shares of it and the days that it covers of each.

        `ends` are those of a channel whose rows are spread.
        """
        days = self.known[name]
        if days == 1:
            yield self.start(on), 1.0, 1.0
        elif ends is None:
            middle = on + dt.timedelta(days=(days or self.length) // 2)
            start = self.start(on if self.start(on) == on else middle)
            yield start, 1.0, days if 0 < days < self.length else self.days_of(start)
        else:
            at, end = on, ends[on]
            while at < end:
                start = self.start(at)
                stop = min(self.next_start(start), end)
                covered = (stop - at).days
                yield start, covered / (end - on).days, covered
                at = stop


def _rows(cells: Cells, grid: _Grid) -> Iterator[PerformanceRow]:
    """The rows of the cells, without what a channel's first and last row cover only in part.

    They end where a channel ends whose next row may still come.
    """
    whole = {key: cell for key, cell in sorted(cells.items()) if _is_whole(key, cells, grid)}
    ends: dict[str, dt.date] = {}
    for name, start in whole:
        ends[name] = grid.next_start(start)
    last = newest = max(ends.values(), default=dt.date.max)
    for name, end in ends.items():
        lag = dt.timedelta(days=grid.known[name] + grid.length)
        if end + lag >= newest:
            last = min(last, end)
    for (name, start), cell in whole.items():
        if start < last:
            revenue = cell.revenue if cell.has_revenue and not cell.is_unknown else None
            yield PerformanceRow(name, cell.spend, revenue, start, cell.is_unknown)


def _is_whole(key: tuple[str, dt.date], cells: Cells, grid: _Grid) -> bool:
    """Whether rows cover the period, or periods before and after it have rows.

    Rows shorter than a period are counted where their middle is, so one may be missing.
    """
    name, start = key
    row_days = grid.known[name] if 0 < grid.known[name] < grid.length else 1
    around = ((name, grid.start(start - DAY)), (name, grid.next_start(start)))
    is_covered = cells[key].days > grid.days_of(start) - row_days
    return is_covered or all(each in cells for each in around)


def _month_after(on: dt.date) -> dt.date:
    """The same day of the next month; its first day after the month's last days."""
    first = (on.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    day_before = (first + dt.timedelta(days=32)).replace(day=1) - DAY
    return first.replace(day=min(on.day, day_before.day))
