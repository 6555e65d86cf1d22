"""Claims are given once, merges add up, and what is stored already is found."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from aethercrown.db import bulk, ingest
from aethercrown.db.bulk import stamp
from aethercrown.db.ingest import RepeatRule
from enterprise.usage.models import DirtyClient, EventKey, UsageDay, UsageHour
from enterprise.usage.services.store import TOTALS, WAITING
from tests.enterprise.usage.conftest import HOUR, NOW, calls, client_row, event, track

__all__ = ["calls", "client_row"]
pytestmark = pytest.mark.django_db
KEYS = [UUID(int=place).hex for place in range(3)]


def claim(*keys):
    rows = [(key, 7, stamp(NOW)) for key in keys]
    return sorted(ingest.claim(EventKey, "key", ("content", "expires_at"), rows))


def test_a_key_is_claimed_once():
    assert claim(*KEYS[:2]) == KEYS[:2]
    assert claim(*KEYS) == KEYS[2:]
    assert claim() == []
    assert EventKey.objects.count() == 3


def test_stored_rows_are_found_by_their_keys(client_row):
    claim(*KEYS[:2])
    assert dict(ingest.stored(EventKey, "key", ("content",), KEYS[1:])) == {KEYS[1]: 7}
    assert ingest.stored(EventKey, "key", ("content",), []) == []
    ingest.merge(DirtyClient, ("customer_id",), WAITING, [(client_row.pk, stamp(NOW))])
    found = ingest.stored(DirtyClient, "customer_id", (), [client_row.pk, 0])
    assert found == [(client_row.pk,)]


def hour(customer, metric, *figures):
    at = datetime(2027, 3, 1, figures[-1], tzinfo=UTC)
    count, quantity, last = figures[:3]
    return (customer.pk, metric.pk, stamp(NOW.replace(hour=9)), count, quantity, quantity,
            stamp(at), last)  # fmt: skip


def test_rows_of_one_key_are_merged(client_row, calls):
    keys = ("customer_id", "metric_id", "hour")
    for figures in ((2, 10**6, 5, 4), (1, 3 * 10**6, 6, 3), (1, 10**6, 9, 4)):
        ingest.merge(UsageHour, keys, TOTALS, [hour(client_row, calls, *figures)])
    ingest.merge(UsageHour, keys, TOTALS, [])
    row = UsageHour.objects.get()
    assert (row.count, row.quantity, row.most) == (4, 5, 3)
    assert (row.last * 10**6, row.last_at.hour) == (9, 4)  # the larger of two at one time


def test_new_rows_that_repeat_a_stored_one_are_flagged(client_row, calls):
    rule = RepeatRule("is_booked", ("customer_id", "metric_id", "count"), "last_at")
    columns = ("customer_id", "metric_id", "day", "count", "quantity", "most", "last", "last_at")

    def flags(since, *rows):
        given = [
            (client_row.pk, calls.pk, f"2027-03-{day:02}", count, 0, 0, 0, stamp(NOW), flag)
            for day, count, flag in rows
        ]
        bulk.run([ingest.flagged_insertion(UsageDay, columns, rule, stamp(since), given)])
        return list(UsageDay.objects.order_by("day").values_list("is_booked", flat=True))

    assert flags(NOW, (1, 5, None), (2, 6, True), (3, 6, False)) == [False, True, False]
    assert flags(NOW, (4, 5, None), (5, 7, None), (6, 5, False))[3:] == [True, False, False]
    assert flags(NOW + HOUR, (7, 5, None))[6:] == [False]
    assert flags(NOW)[7:] == []


def test_statements_run_together_each_on_what_those_before_wrote(client_row, calls):
    keys, row = ("customer_id", "metric_id", "hour"), hour(client_row, calls, 2, 10**6, 5, 4)
    merging = ingest.merging(UsageHour, keys, TOTALS, [row])
    bulk.run([merging, ingest.merging(UsageHour, keys, TOTALS, []), merging])
    bulk.run([])
    assert UsageHour.objects.get().count == 4


def test_pairs_that_any_stored_row_has_are_found(client_row, calls):
    track(event("e1", 5))
    pairs = [(calls.pk, "2027-03-19"), (calls.pk, "2027-03-20"), (calls.pk + 1, "2027-03-20")]
    found = ingest.existing(UsageDay, ("metric_id", "day"), pairs)
    assert [(metric, str(day)) for metric, day in found] == [(calls.pk, "2027-03-20")]
    assert ingest.existing(UsageDay, ("metric_id", "day"), []) == []


def test_the_smaller_value_is_kept(client_row):
    for at in (NOW, NOW.replace(hour=9), NOW.replace(hour=10)):
        ingest.merge(DirtyClient, ("customer_id",), WAITING, [(client_row.pk, stamp(at))])
    assert DirtyClient.objects.get().since.hour == 9
