"""Which conversions count, and when an exposure is closed.

Exposures lie in buckets of an hour, or of a minute where the window is under a day. Only closed
buckets decide: half-open windows flatter the faster arm.
"""

from datetime import datetime, timedelta

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
GRACE = HOUR  # after the window, for rows that are under way
REORDERED_WITHIN = HOUR  # a conversion without a time may arrive this long before its exposure
MAX_CLOCK_LEAD = timedelta(minutes=5)


def bucket_length(window: timedelta) -> timedelta:
    return MINUTE if window < DAY else HOUR


def bucket_start(exposed_at: datetime, window: timedelta) -> datetime:
    """The start of the bucket in which an exposure lies."""
    whole = exposed_at.replace(second=0, microsecond=0)
    return whole if window < DAY else whole.replace(minute=0)


def closes_at(bucket: datetime, window: timedelta) -> datetime:
    """When the bucket that starts then closes, unless rows of it keep arriving."""
    return bucket + bucket_length(window) + window + GRACE


def is_closed(
    bucket: datetime, window: timedelta, now: datetime, last_received_at: datetime
) -> bool:
    """Whether nothing of a bucket may change any more.

    With a window of 0 the outcome is known with the exposure, so it is closed on receipt.
    """
    if not window:
        return True
    return now >= closes_at(bucket, window) and now >= last_received_at + GRACE


def counted_at(exposed_at: datetime, converted_at: datetime, *, are_both_dated: bool) -> datetime:
    """The time of a conversion. Networks reorder: one without a time may come first."""
    early = exposed_at - converted_at
    if not are_both_dated and timedelta(0) < early <= REORDERED_WITHIN:
        return exposed_at
    return converted_at


def is_within(
    exposed_at: datetime, converted_at: datetime, window: timedelta, *, are_both_dated: bool
) -> bool:
    """Whether a conversion counts for an exposure, in whatever order they arrived."""
    at = counted_at(exposed_at, converted_at, are_both_dated=are_both_dated)
    return exposed_at <= at <= exposed_at + window


def event_time(
    occurred_at: datetime | None, received_at: datetime, started_at: datetime
) -> datetime | None:
    """The time of an event inside the test: clock skew is cut off; None if it is too far ahead."""
    if occurred_at is None:
        return max(received_at, started_at)
    if occurred_at > received_at + MAX_CLOCK_LEAD:
        return None
    return max(min(occurred_at, received_at), started_at)
