"""A customer's present and forecast use, from daily totals; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, replace
from datetime import date, timedelta
from decimal import Decimal

from revenue.billing import periods
from revenue.billing.periods import Aggregation, MeterReadings, Month
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.decimals import ZERO, without_trailing_zeros
from revenue.upsell.forecasting import daily_forecast, highest_value
from revenue.upsell.forecasting.daily_forecast import MetricForecast
from revenue.upsell.opportunities import UsageForecast

FORECAST_DAYS = 30  # also the days of the present use
HISTORY_DAYS = 91  # the trend is estimated from these
QUANTITY_UNIT = Decimal("0.01")


def forecast_usage(
    readings: Mapping[str, MeterReadings],
    active: Mapping[str, Collection[date]],
    today: date,
    since: date | None,
) -> tuple[PricingInputs, UsageForecast] | None:
    """The last 30 days, and a forecast of the next 30; None where too little is known.

    That is where no metric has 28 days with a value and 4 with use, or where one that was used
    lately has not: its price would be a guess. A day without a total counts as 0 if other
    customers used the metric on it, else as unknown; of a mean it never counts.
    """
    span = Month(today - timedelta(days=FORECAST_DAYS), today)
    now = periods.situation(readings, span, since)
    found: dict[str, MetricForecast] = {}
    for code, each in readings.items():
        if each.input_group is periods.InputGroup.USAGE:
            ahead = _forecast(each, active.get(code, ()), today)
            if ahead is not None:
                found[code] = ahead
            elif now.usage.get(code):
                return None
    if not found:
        return None
    return now, UsageForecast(*(_with(now, found, end) for end in ("low", "estimate", "high")))


def _forecast(
    reading: MeterReadings, active: Collection[date], today: date
) -> MetricForecast | None:
    days = reading.days
    if reading.aggregation is Aggregation.LAST:
        return daily_forecast.forecast_level(_level(days, today), FORECAST_DAYS)
    if reading.aggregation is Aggregation.MAX:
        return highest_value.forecast_highest(_flow(days, active, today), FORECAST_DAYS)
    if reading.aggregation is Aggregation.SUM:
        return daily_forecast.forecast_total(_flow(days, active, today), FORECAST_DAYS)
    whole = daily_forecast.forecast_total(_flow(days, (), today), FORECAST_DAYS)
    return whole and MetricForecast(*(each / FORECAST_DAYS for each in astuple(whole)))


def _history(days: periods.Days, today: date) -> list[date]:
    """The days before today, from the first known one."""
    first = max(min(days), today - timedelta(days=HISTORY_DAYS))
    return [first + timedelta(days=place) for place in range((today - first).days)]


def _flow(days: periods.Days, active: Collection[date], today: date) -> Sequence[float | None]:
    totals = (days.get(on, ZERO if on in active else None) for on in _history(days, today))
    return [None if each is None else float(each) for each in totals]


def _level(days: periods.Days, today: date) -> Sequence[float | None]:
    """The value of the reading on each day."""
    spans = (Month(on, on + timedelta(days=1)) for on in _history(days, today))
    values = (periods.aggregate(Aggregation.LAST, days, each) for each in spans)
    return [None if each is None else float(each) for each in values]


def _with(now: PricingInputs, found: Mapping[str, MetricForecast], end: str) -> PricingInputs:
    """The present inputs with one end of each forecast."""
    usage = {
        code: without_trailing_zeros(Decimal(getattr(each, end)).quantize(QUANTITY_UNIT))
        for code, each in found.items()
    }
    return replace(now, usage={**now.usage, **usage})
