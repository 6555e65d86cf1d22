"""Writers at the same moment."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from enterprise.usage.metering.event_input import ItemStatus
from enterprise.usage.models import UsageEvent
from enterprise.usage.services import partitions
from enterprise.usage.services.track import LARGE_BATCH
from tests.enterprise.usage.conftest import HOUR, NOW, SEATS, event, read, total, track

LATE = NOW - timedelta(days=25)  # in February


@pytest.mark.django_db(transaction=True)
def test_a_large_batch_that_four_callers_send_counts_once(at_once, client_row, calls):
    """Each has prepared what it would store before one of them has the database."""
    batch = [event(f"e{number}", number + 1, NOW - number * HOUR) for number in range(LARGE_BATCH)]
    track(*batch[:30])
    found = at_once(lambda: track(*batch, batch[0]), 4)
    assert sum(each.count(ItemStatus.ACCEPTED) for each in found) == LARGE_BATCH - 30
    assert sum(each.count(ItemStatus.DUPLICATE) for each in found) == 3 * LARGE_BATCH + 34
    assert total() == sum(range(1, LARGE_BATCH + 1))
    assert UsageEvent.objects.count() == LARGE_BATCH


@pytest.mark.skipif(connection.vendor != "postgresql", reason="partitions are PostgreSQL's")
@pytest.mark.django_db(transaction=True)
def test_a_missing_month_is_made_once_while_writers_write(at_once, client_row, calls, seats):
    """Events and readings of one client, each of which finds that the month is missing."""
    track(event("first", at=LATE))
    partitions.drop(partitions.name_of(LATE.date().replace(day=1)))
    numbers = iter(range(8))
    guard = threading.Lock()

    def write():
        with guard:
            number = next(numbers)
        if number % 4 == 3:
            read({SEATS: number}, LATE + timedelta(minutes=number))
        else:
            track(*(event(f"{number}-{place}", 2, LATE) for place in range(20)))

    assert at_once(write, 8) == [None] * 8
    assert UsageEvent.objects.count() == 6 * 20 + 2
    assert total() == 5 + 6 * 20 * 2
    assert partitions.make_month(LATE.date().replace(day=1)) is False
