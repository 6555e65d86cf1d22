"""Meters, the total of each day, invoices, and what closed months were adjusted by."""

from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from aethercrown.db.fields import CurrencyField
from aethercrown.history.tracking import Records
from revenue.billing.periods import Combine, Part
from revenue.customers.models import AmountField, NeverRewritten

MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 3}


class Kept(models.Model):
    """A row that stays as it was booked; the database refuses to change it too."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        if self.pk is not None:
            raise NeverRewritten(f"{self} is booked; book a correction.")
        super().save(*args, **options)


class Meter(models.Model):
    """A metric that is billed, and how the days of a month make one quantity."""

    code = models.CharField(max_length=100, unique=True, help_text="Such as api_calls.")
    title = models.CharField(max_length=100)
    unit = models.CharField(max_length=30, blank=True)
    part = models.CharField(
        max_length=10,
        choices=[(each.value, each.value) for each in Part],
        default=Part.USAGE.value,
        help_text="Which part of a price's question it answers.",
    )
    combine = models.CharField(
        max_length=4,
        choices=[
            (Combine.SUM.value, "sum: the days add up"),
            (Combine.LAST.value, "last: the last reading holds"),
            (Combine.MAX.value, "max: the highest reading counts"),
            (Combine.MEAN.value, "mean: of the days that have one"),
        ],
        default=Combine.SUM.value,
    )
    history = Records()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=~Q(code=""), name="revenue_meter_has_code"),
        ]

    def __str__(self) -> str:
        return self.title


class DailyUse(Kept):
    """What one row adds to a customer's total of a metric on a day; a correction adds to it too.

    The day is one of the customer's billing time zone.
    """

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.PROTECT, related_name="daily_use"
    )
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="daily_use")
    day = models.DateField()
    quantity = AmountField()
    is_correction = models.BooleanField(default=False)
    booked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "daily use"
        ordering = ["-day", "-pk"]
        indexes = [
            models.Index(fields=["customer", "day", "meter"], name="revenue_dailyuse_by_day"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "meter", "day"],
                condition=Q(is_correction=False),
                name="revenue_dailyuse_one_first_row_a_day",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=0) | Q(is_correction=True),
                name="revenue_dailyuse_only_corrections_take_back",
            ),
        ]

    def __str__(self) -> str:
        return f"{Decimal(self.quantity).normalize():f} {self.meter} on {self.day}"


class Invoice(Kept):
    """A month's bill as it was issued, with all it was worked out from."""

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.PROTECT, related_name="invoices"
    )
    version = models.ForeignKey(
        "revenue.PriceBookVersion", on_delete=models.PROTECT, related_name="invoices"
    )
    digest = models.CharField(max_length=64, help_text="Of the version, when it was issued.")
    currency = CurrencyField()
    period_start = models.DateField()
    period_end = models.DateField(help_text="The first day after it.")
    inputs = models.JSONField(encoder=DjangoJSONEncoder)
    stays = models.JSONField(encoder=DjangoJSONEncoder)
    lines = models.JSONField(encoder=DjangoJSONEncoder)
    rated = models.DecimalField(**MONEY, help_text="The month's own part.")
    total = models.DecimalField(**MONEY)
    carried = models.DecimalField(
        **MONEY, default=Decimal(0), help_text="A credit that the next invoice takes."
    )
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-period_start", "customer"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "period_start"], name="revenue_invoice_one_a_month"
            ),
            models.CheckConstraint(
                condition=Q(total__gte=0, carried__gte=0), name="revenue_invoice_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(period_end__gt=F("period_start")),
                name="revenue_invoice_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}, {self.period_start:%B %Y}"


class Adjustment(Kept):
    """What an invoice bills, or gives back, for an earlier month that came out otherwise."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="adjustments")
    of = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="adjusted_by")
    rated = models.DecimalField(**MONEY, help_text="What the earlier month comes to since.")
    amount = models.DecimalField(**MONEY)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["invoice", "of"], name="revenue_adjustment_one_a_month"
            ),
            models.CheckConstraint(
                condition=~Q(amount=0), name="revenue_adjustment_moves_something"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount:+f} for {self.of}"


class Closing(models.Model):
    """The invoices of one month in one currency: proposed, approved, issued one by one."""

    currency = CurrencyField()
    period_start = models.DateField()
    decision = models.ForeignKey(
        "operations.Decision", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    proposed_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True, help_text="When it was approved.")
    finished_at = models.DateTimeField(null=True)
    issued = models.PositiveIntegerField(default=0, help_text="Invoices of the month.")
    not_billed = models.JSONField(
        default=list, encoder=DjangoJSONEncoder, help_text="Customers, and why not."
    )

    class Meta:
        ordering = ["-period_start", "currency"]
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "period_start"], name="revenue_closing_one_a_month"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(begun_at__isnull=False),
                name="revenue_closing_begun_before_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"Invoices of {self.period_start:%B %Y} in {self.currency}"
