"""Old rows go in batches, and only those that were meant."""

from datetime import timedelta

import pytest
from django.utils import timezone

from aethercrown.db.batch_delete import forget
from aethercrown.models import IdempotencyRecord


@pytest.mark.django_db
def test_rows_go_in_batches_and_the_others_stay(django_assert_num_queries):
    now = timezone.now()
    for number in range(7):
        IdempotencyRecord.objects.create(
            principal="a", key=str(number), created_at=now - timedelta(days=number), lease_until=now
        )
    old = IdempotencyRecord.objects.filter(created_at__lt=now - timedelta(days=1))
    with django_assert_num_queries(3 + 1 + 3):
        assert forget(old, batch=2) == 5
    assert sorted(row.key for row in IdempotencyRecord.objects.all()) == ["0", "1"]
