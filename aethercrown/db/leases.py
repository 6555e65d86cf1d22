"""Leases on the database's clock, for rows with a column `lease_until`.

The holder of a lease is named by a counter (a fencing token) that each claim raises: only a
writer whose token is the row's latest may write.
"""

from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, ExpressionWrapper, Q
from django.db.models.functions import Now

TOLERANCE = timedelta(minutes=1)  # by which a clock may be set back


def lease_end(length: timedelta) -> ExpressionWrapper[Any]:
    """When a lease that begins now ends, for `update(lease_until=...)`."""
    return ExpressionWrapper(Now() + length, output_field=DateTimeField())


def lease_expired() -> Q:
    """Rows whose lease has ended; not those without one."""
    return Q(lease_until__lt=Now())


def lease_too_long(length: timedelta) -> Q:
    """Rows with a lease that ends later than one of `length` could: the clock was ahead."""
    return Q(lease_until__gt=lease_end(length + TOLERANCE))
