"""Read channels and their history, for plans, pages and CSV exports."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from django.db.models import QuerySet

from aethercrown.csv.export import Cell, Exporter
from marketing.channels import csv_columns
from marketing.channels.models import CalendarFlag, Channel, LiftTest, Performance, TotalRevenue


def active_channels(currency: str) -> QuerySet[Channel]:
    """The active channels in `currency`."""
    return Channel.objects.filter(is_active=True, currency=currency)


def spend_rows(
    currency: str, since: date, until: date
) -> Iterator[tuple[str, date, Decimal, Decimal | None]]:
    """Channel, date, spend and revenue of active channels from `since` to `until`, by date."""
    rows = Performance.objects.filter(
        channel__is_active=True, currency=currency, date__range=(since, until)
    )
    ordered = rows.order_by("date", "channel__name")
    return ordered.values_list("channel__name", "date", "spend", "revenue").iterator()


def last_spend_date(currency: str, until: date) -> date | None:
    """The date of the newest row of an active channel, up to `until`."""
    rows = Performance.objects.filter(channel__is_active=True, currency=currency, date__lte=until)
    return rows.order_by("-date").values_list("date", flat=True).first()


def total_revenue(currency: str, since: date, until: date) -> list[tuple[date, Decimal]]:
    """The company's total revenue by date."""
    rows = TotalRevenue.objects.filter(currency=currency, date__range=(since, until))
    return list(rows.order_by("date").values_list("date", "amount"))


def calendar_flags(since: date, until: date) -> dict[str, dict[date, float]]:
    """Calendar flags by name and date."""
    found: dict[str, dict[date, float]] = {}
    rows = CalendarFlag.objects.filter(date__range=(since, until)).order_by("name", "date")
    for name, on, value in rows.values_list("name", "date", "value"):
        found.setdefault(name, {})[on] = value
    return found


def finished_lift_tests(currency: str, until: date) -> QuerySet[LiftTest]:
    """Lift tests in active channels that ended by `until` and found an effect."""
    tests = LiftTest.objects.filter(
        channel__is_active=True, channel__currency=currency, ends_on__lte=until, revenue__gt=0
    )
    return tests.order_by("channel__name", "starts_on")


def _channel_rows() -> Iterator[Sequence[Cell]]:
    yield from Channel.objects.order_by("name").values_list(*CHANNEL_COLUMNS).iterator()


def _performance_rows() -> Iterator[Sequence[Cell]]:
    fields = ("date", "channel__name", "spend", "revenue", "currency")
    rows = Performance.objects.order_by("date", "channel__name").values_list(*fields)
    yield from rows.iterator()


def _total_rows() -> Iterator[Sequence[Cell]]:
    rows = TotalRevenue.objects.order_by("currency", "date")
    yield from rows.values_list("date", "amount", "currency").iterator()


CHANNEL_COLUMNS, PERFORMANCE_COLUMNS, TOTAL_COLUMNS = (
    tuple(column.name for column in columns)
    for columns in (csv_columns.CHANNELS, csv_columns.PERFORMANCE, csv_columns.TOTALS)
)
PERFORMANCE_TITLE = "Spend and revenue by channel and date"
EXPORTERS = (
    Exporter("channels", "Channels", CHANNEL_COLUMNS, _channel_rows),
    Exporter("budget-performance", PERFORMANCE_TITLE, PERFORMANCE_COLUMNS, _performance_rows),
    Exporter("budget-totals", "Total revenue by date", TOTAL_COLUMNS, _total_rows),
)
