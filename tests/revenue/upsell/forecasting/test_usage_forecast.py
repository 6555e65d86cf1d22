"""A customer's use now and ahead, from stored days."""

from datetime import date, timedelta
from decimal import Decimal

from revenue.billing.periods import Aggregation, InputGroup, MeterReadings
from revenue.upsell.forecasting import usage_forecast as outlooks

TODAY = date(2026, 3, 31)


def outlook(*known):
    found = outlooks.forecast_usage(*known)
    assert found is not None
    return found


def reading(count, value=100, aggregation=Aggregation.SUM, group=InputGroup.USAGE, step=1):
    days = (TODAY - timedelta(days=back) for back in range(step, count + 1, step))
    return MeterReadings(group, aggregation, {day: Decimal(value) for day in days})


def test_calls_are_summed_and_seats_held():
    known = {"api_calls": reading(60), "user_seats": reading(60, 12, Aggregation.LAST, step=20)}
    now, ahead = outlook(known, {}, TODAY, date(2025, 3, 31))
    assert now.usage == {"api_calls": 3000, "user_seats": 12}
    assert ahead.estimate.usage == {"api_calls": 3000, "user_seats": 12}
    assert ahead.low.engagement == now.engagement == {"tenure_months": 11}


def test_means_are_forecast_and_what_is_no_use_stays_as_it_is():
    known = {
        "api_calls": reading(60),
        "exports": reading(60, 2, Aggregation.MEAN),
        "daily_active_rate": reading(60, "0.5", Aggregation.MEAN, InputGroup.ENGAGEMENT),
        "unused": reading(60, 0),
        "new": MeterReadings(InputGroup.USAGE, Aggregation.SUM, {TODAY: Decimal(5)}),
    }
    _, ahead = outlook(known, {}, TODAY, None)
    assert ahead.estimate.usage["exports"] == 2
    assert ahead.estimate.usage["unused"] == 0
    assert ahead.high.engagement == {"daily_active_rate": Decimal("0.5")}


def test_a_mean_is_of_the_days_with_a_reading_as_it_is_billed():
    known = {"exports": reading(60, 2, Aggregation.MEAN, step=2)}
    active = {"exports": {TODAY - timedelta(days=back) for back in range(90)}}
    _, ahead = outlook(known, active, TODAY, None)
    assert ahead.estimate.usage["exports"] == 2


def test_the_highest_of_the_coming_days_is_forecast_and_not_a_usual_day():
    days = {TODAY - timedelta(days=back): Decimal(9 if back % 7 else 80) for back in range(1, 92)}
    known = {"peak": MeterReadings(InputGroup.USAGE, Aggregation.MAX, days)}
    now, ahead = outlook(known, {}, TODAY, None)
    assert now.usage["peak"] == 80
    assert ahead.low.usage["peak"] <= ahead.estimate.usage["peak"] <= ahead.high.usage["peak"]
    assert 70 < ahead.estimate.usage["peak"] < 110
    short = {on: each for on, each in days.items() if on > TODAY - timedelta(days=20)}
    known = {"peak": MeterReadings(InputGroup.USAGE, Aggregation.MAX, short)}
    assert outlooks.forecast_usage(known, {}, TODAY, None) is None


def test_use_that_is_known_too_little_makes_no_outlook():
    known = {"api_calls": reading(60), "storage_gb": reading(3, 50, Aggregation.LAST)}
    assert outlooks.forecast_usage(known, {}, TODAY, None) is None


def test_little_history_is_no_outlook():
    assert outlooks.forecast_usage({"api_calls": reading(10)}, {}, TODAY, None) is None
    assert outlooks.forecast_usage({}, {}, TODAY, None) is None


def test_a_silent_day_counts_nothing_only_where_others_used_the_metric():
    every_other = {"api_calls": reading(60, 100, step=2)}
    _, unknown = outlook(every_other, {}, TODAY, None)
    active = {"api_calls": {TODAY - timedelta(days=back) for back in range(90)}}
    _, silent = outlook(every_other, active, TODAY, None)
    assert unknown.estimate.usage["api_calls"] == 3000
    assert silent.estimate.usage["api_calls"] < 2200
