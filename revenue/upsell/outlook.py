"""A customer's use now and ahead, from the days that are stored; pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from revenue.billing.periods import Combine, Days, Month, Part, Reading, combined, situation
from revenue.pricing.decimals import trimmed
from revenue.pricing.situation import Situation
from revenue.upsell import forecast
from revenue.upsell.forecast import Forecast
from revenue.upsell.prospect import Outlook

AHEAD = 30  # days that are forecast, and days that make the present month
LOOKED_AT = 91  # days from which a trend is read
UNIT = Decimal("0.01")

Active = Mapping[str, Collection[date]]  # by metric, the days on which anybody used it


def outlook(
    readings: Mapping[str, Reading], active: Active, today: date, since: date | None
) -> tuple[Situation, Outlook] | None:
    """The last 30 days, and the 30 to come; None where no metric has 14 days to go by.

    A day without a total counts 0 where others used the metric on it, else it is not known.
    """
    span = Month(today - timedelta(days=AHEAD), today)
    now = situation(readings, span, since)
    found: dict[str, Forecast] = {}
    for code, each in readings.items():
        if each.part is Part.USAGE:
            ahead = _ahead(each, active.get(code, ()), today)
            if ahead is not None:
                found[code] = ahead
    if not found:
        return None
    return now, Outlook(
        _with(now, found, lambda each: each.low),
        _with(now, found, lambda each: each.estimate),
        _with(now, found, lambda each: each.high),
    )


def _ahead(reading: Reading, active: Collection[date], today: date) -> Forecast | None:
    if reading.combine is Combine.SUM:
        return forecast.total(_flow(reading.days, active, today), AHEAD)
    if reading.combine.holds:
        return forecast.reading(_level(reading.combine, reading.days, today), AHEAD)
    return None


def _flow(days: Days, active: Collection[date], today: date) -> Sequence[float | None]:
    """Totals of the days before today, from the first that is known."""
    first = max(min(days), today - timedelta(days=LOOKED_AT))
    found: list[float | None] = []
    for place in range((today - first).days):
        on = first + timedelta(days=place)
        value = days.get(on)
        found.append(float(value) if value is not None else 0.0 if on in active else None)
    return found


def _level(combine: Combine, days: Days, today: date) -> Sequence[float | None]:
    """The reading that held on each day before today."""
    first = max(min(days), today - timedelta(days=LOOKED_AT))
    spans = (first + timedelta(days=place) for place in range((today - first).days))
    held = (combined(combine, days, Month(on, on + timedelta(days=1))) for on in spans)
    return [None if each is None else float(each) for each in held]


def _with(
    now: Situation, found: Mapping[str, Forecast], end: Callable[[Forecast], float]
) -> Situation:
    """The present situation with one end of each forecast."""
    usage = {code: trimmed(Decimal(end(each)).quantize(UNIT)) for code, each in found.items()}
    return replace(now, usage={**now.usage, **usage})
