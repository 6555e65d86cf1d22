"""Sweeps and events at the same moment."""

from datetime import UTC, datetime, timedelta

import pytest

from enterprise.sla import reports, services
from enterprise.sla.models import SlaBreach, SlaClock
from enterprise.sla.services import ClockStart

NOON = datetime(2027, 5, 6, 12, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
def test_eight_sweeps_record_each_threshold_once(at_once):
    version = reports.calendar_in_force("24/7")
    start = ClockStart("response", "ticket 1", "Answer", timedelta(hours=1), version, "UTC")
    services.open_clock(start, NOON)
    found = at_once(lambda: services.record_due(NOON + timedelta(hours=2)), 8)
    assert sum(found) == 4
    assert SlaBreach.objects.filter(is_sent=True).count() == 1
    assert SlaClock.objects.get().outcome == "breached"
