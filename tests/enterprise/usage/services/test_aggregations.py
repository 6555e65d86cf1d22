"""Metrics of different values count each once a month; time-weighted gauges are averaged."""

from datetime import timedelta
from decimal import Decimal

import pytest

from enterprise.usage import reports
from enterprise.usage.models import UsageDay, UsageValue
from enterprise.usage.reports import levels
from enterprise.usage.services import averages, booking
from enterprise.usage.services.readings import NeedsEvents
from enterprise.usage.services.track import BatchRejected
from revenue.billing.models import DailyUse, Meter
from tests.enterprise.usage.conftest import NOW, event, read, track

pytestmark = pytest.mark.django_db
ONE_DAY = timedelta(days=1)


def seen(number, value, ago, metric="active_users"):
    return event(f"s{number}", 1, NOW - ago * ONE_DAY, metric=metric, value=value)


def used(client_row):
    (level,) = levels.levels_of([client_row.pk], NOW)[client_row.pk]
    return level.used


def booked():
    booking.book_closed_days(NOW)
    found: dict[int, int] = {}
    for row in DailyUse.objects.order_by("pk"):
        found[row.day.day] = found.get(row.day.day, 0) + row.quantity
    return found


def test_each_value_counts_once_in_its_month_whatever_comes_late(client_row, users):
    track(seen(1, "ann", 3), seen(2, "bob", 2), seen(3, "ann", 2), seen(4, "ann", 2))
    assert used(client_row) == 2
    assert booked() == {17: 1, 18: 1}
    track(seen(5, "bob", 4), seen(6, "eve", 1))
    assert used(client_row) == 3
    assert booked() == {16: 1, 17: 1, 18: 0, 19: 1}
    found = reports.client_report("acme", 30, NOW)["usage_summary"]["active_users"]
    assert (found["total"], found["usage_percent"]) == (3, None)
    assert UsageValue.objects.count() == 5


def test_an_event_without_a_value_and_a_reading_are_refused(client_row, users):
    with pytest.raises(BatchRejected) as raised:
        track(event("e1", 1, metric=users.code))
    assert raised.value.rejected[0].problems[0][:2] == ("value", "required")
    with pytest.raises(NeedsEvents):
        read({users.code: 5})
    assert not UsageDay.objects.exists()


def test_a_gauge_is_averaged_over_its_days_and_those_without_a_reading(client_row, storage):
    noon = NOW - 4 * ONE_DAY
    read({storage.code: 10}, noon - timedelta(hours=12))
    read({storage.code: 30}, noon)
    assert [each.average for each in UsageDay.objects.all()] == [20]
    assert averages.fill_days(NOW) == 3
    assert booked() == {16: 20, 17: 30, 18: 30, 19: 30}
    assert Meter.objects.get().aggregation == "mean"
    read({storage.code: 60}, noon + ONE_DAY)
    assert booked() == {16: 20, 17: 45, 18: 60, 19: 60}
    read({storage.code: 0}, noon + timedelta(hours=6))
    assert booked() == {16: Decimal("12.5"), 17: 30, 18: 60, 19: 60}
    averages.refresh({(client_row.pk, storage.pk, noon.date())})  # again changes nothing
    assert not UsageDay.objects.filter(is_booked=False, day__lt=NOW.date()).exists()
    assert used(client_row) == 60
    found = reports.client_report("acme", 30, NOW)["usage_summary"][storage.code]
    assert found["total"] == found["daily_average"]
