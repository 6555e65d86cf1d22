"""Meters, daily totals of usage, invoices, adjustments of closed months, and invoice runs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from aethercrown.db.fields import AmountField, CurrencyField
from aethercrown.formatting import date_text, exact_text, money, month_text, signed
from aethercrown.history.tracking import TrackedHistory
from revenue.billing.periods import Aggregation, InputGroup
from revenue.billing.unbilled_use import UseChoice
from revenue.customers.models import ImmutableModel

MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 3}


class Meter(models.Model):
    """A billed metric, and how the days of a month make one quantity."""

    code = models.CharField(max_length=100, unique=True, help_text="Such as api_calls.")
    title = models.CharField(max_length=100)
    unit = models.CharField(max_length=30, blank=True)
    input_group = models.CharField(
        max_length=10,
        choices=[(each.value, each.value) for each in InputGroup],
        default=InputGroup.USAGE.value,
        help_text="The group of pricing inputs it belongs to.",
    )
    aggregation = models.CharField(
        max_length=4,
        choices=[
            (Aggregation.SUM.value, "sum: all days added up"),
            (Aggregation.LAST.value, "last: the last reading"),
            (Aggregation.MAX.value, "max: the highest reading"),
            (Aggregation.MEAN.value, "mean: of the days with a reading"),
        ],
        default=Aggregation.SUM.value,
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["code"]
        constraints = [CheckConstraint(condition=~Q(code=""), name="revenue_meter_has_code")]

    def __str__(self) -> str:
        return self.title


class DailyUse(ImmutableModel):
    """A customer's use on a day of the billing time zone; corrections are further rows."""

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.PROTECT, related_name="daily_use"
    )
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="daily_use")
    day = models.DateField()
    quantity = AmountField()
    is_correction = models.BooleanField(default=False)
    booked_at = models.DateTimeField()
    data_import = models.ForeignKey(
        "operations.DataImport",
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The import that stored it.",
    )

    class Meta:
        verbose_name_plural = "daily use"
        ordering = ["-day", "-pk"]
        indexes = [
            Index(fields=["customer", "day", "meter"], name="revenue_dailyuse_by_day"),
            Index(fields=["customer", "booked_at"], name="revenue_dailyuse_booked"),
            Index(fields=["meter", "day"], name="revenue_dailyuse_by_meter"),
            Index(
                fields=["data_import"],
                name="revenue_dailyuse_imported",
                condition=Q(data_import__isnull=False),
            ),
        ]
        constraints = [
            UniqueConstraint(
                fields=["customer", "meter", "day"],
                condition=Q(is_correction=False),
                name="revenue_dailyuse_one_first_row_a_day",
            ),
            CheckConstraint(
                condition=Q(quantity__gte=0) | Q(is_correction=True),
                name="revenue_dailyuse_only_corrections_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{exact_text(Decimal(self.quantity))} {self.meter} on {date_text(self.day)}"


class Invoice(ImmutableModel):
    """A month's bill as issued, with all its inputs."""

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.PROTECT, related_name="invoices"
    )
    version = models.ForeignKey(
        "revenue.PriceBookVersion", on_delete=models.PROTECT, related_name="invoices"
    )
    digest = models.CharField(
        max_length=64, help_text="The version's digest when the invoice was issued."
    )
    currency = CurrencyField()
    period_start = models.DateField()
    period_end = models.DateField(help_text="The first day after the period.")
    inputs = models.JSONField(encoder=DjangoJSONEncoder)
    plan_periods = models.JSONField(encoder=DjangoJSONEncoder)
    lines = models.JSONField(encoder=DjangoJSONEncoder)
    rated = models.DecimalField(**MONEY, help_text="The month's own charges, without adjustments.")
    total = models.DecimalField(**MONEY)
    carried = models.DecimalField(
        **MONEY, default=Decimal(0), help_text="Credit carried over to the next invoice."
    )
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-period_start", "customer"]
        constraints = [
            UniqueConstraint(
                fields=["customer", "period_start"], name="revenue_invoice_one_a_month"
            ),
            CheckConstraint(
                condition=Q(total__gte=0, carried__gte=0), name="revenue_invoice_not_negative"
            ),
            CheckConstraint(
                condition=Q(period_end__gt=F("period_start")),
                name="revenue_invoice_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}, {month_text(self.period_start)}"


class Adjustment(ImmutableModel):
    """What an invoice bills or credits for an earlier month whose total has changed."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="adjustments")
    original_invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="adjusted_by"
    )
    rated = models.DecimalField(**MONEY, help_text="The earlier month's total as known now.")
    amount = models.DecimalField(**MONEY)

    class Meta:
        ordering = ["pk"]
        constraints = [
            UniqueConstraint(
                fields=["invoice", "original_invoice"], name="revenue_adjustment_one_a_month"
            ),
            CheckConstraint(condition=~Q(amount=0), name="revenue_adjustment_changes_something"),
        ]

    def __str__(self) -> str:
        return f"{signed(self.amount, money(self.invoice.currency))} for {self.original_invoice}"


class CreditEntry(ImmutableModel):
    """A change of the credit that a customer has: what an invoice left or used, or a payout.

    The balance of a customer is the sum over their record and those merged into it.
    """

    class Kind(models.TextChoices):
        CARRIED = "carried", "Left by an invoice"
        USED = "used", "Used by an invoice"
        PAID_OUT = "paid_out", "Paid out"

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.PROTECT, related_name="credit_entries"
    )
    currency = CurrencyField()
    kind = models.CharField(max_length=8, choices=Kind)
    amount = models.DecimalField(**MONEY, help_text="Above zero: the customer has more credit.")
    invoice = models.ForeignKey(
        Invoice, null=True, on_delete=models.PROTECT, related_name="credit_entries"
    )
    note = models.CharField(max_length=200, blank=True)
    booked_at = models.DateTimeField()
    booked_by = models.CharField(max_length=150, blank=True)

    class Meta:
        verbose_name_plural = "credit entries"
        ordering = ["-booked_at", "-pk"]
        constraints = [
            UniqueConstraint(fields=["invoice", "kind"], name="revenue_creditentry_one_an_invoice"),
            CheckConstraint(
                condition=Q(kind="carried", amount__gt=0) | (~Q(kind="carried") & Q(amount__lt=0)),
                name="revenue_creditentry_sign_of_kind",
            ),
        ]

    def __str__(self) -> str:
        amount = signed(self.amount, money(self.currency))
        return f"{amount}, {self.get_kind_display().lower()}"


class CreditNote(ImmutableModel):
    """A negative invoice: what an issued invoice is no longer claimed for, and why.

    The invoice stays as it is, and its month stays billed.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credit_notes")
    total = models.DecimalField(**MONEY, help_text="Below zero.")
    reason = models.CharField(
        max_length=200, help_text="Kept also when the customer's data are erased: name nobody."
    )
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["-issued_at", "-pk"]
        constraints = [
            CheckConstraint(condition=Q(total__lt=0), name="revenue_creditnote_below_zero"),
            CheckConstraint(condition=~Q(reason=""), name="revenue_creditnote_has_reason"),
        ]

    def __str__(self) -> str:
        return f"Credit note for {self.invoice}"


class UnbilledUseChoice(ImmutableModel):
    """What becomes of a customer's use on days without a plan; of a day, the last row is valid."""

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.PROTECT, related_name="unbilled_use_choices"
    )
    first_day = models.DateField()
    end_day = models.DateField(help_text="The first day after them.")
    choice = models.CharField(
        max_length=5,
        choices=[
            (UseChoice.BILL.value, "Bill by a plan"),
            (UseChoice.WAIVE.value, "Waive"),
            (UseChoice.LEAVE.value, "Leave unbilled"),
        ],
    )
    plan = models.CharField(max_length=100, blank=True, help_text="The plan that prices the use.")
    note = models.CharField(
        max_length=200,
        blank=True,
        help_text="Kept also when the customer's data are erased: name nobody.",
    )
    chosen_at = models.DateTimeField()
    chosen_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["-chosen_at", "-pk"]
        indexes = [Index(fields=["customer", "chosen_at"], name="revenue_unbilledusechoice_late")]
        constraints = [
            CheckConstraint(
                condition=Q(end_day__gt=F("first_day")),
                name="revenue_unbilledusechoice_ends_after_start",
            ),
            CheckConstraint(
                condition=~Q(choice="bill") | ~Q(plan=""),
                name="revenue_unbilledusechoice_billed_by_a_plan",
            ),
        ]

    def __str__(self) -> str:
        first, last = date_text(self.first_day), date_text(self.end_day - timedelta(days=1))
        return f"{self.get_choice_display()}: {first} to {last}"


class InvoiceRun(models.Model):
    """Issuing all invoices of one month in one currency: proposed, approved, then issued."""

    currency = CurrencyField()
    period_start = models.DateField()
    decision = models.ForeignKey(
        "operations.Decision", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    proposed_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    requested_by = models.CharField(
        max_length=200, blank=True, help_text="The person who started issuing; empty: the schedule."
    )
    hold_without_use = models.BooleanField(
        default=False, help_text="Customers whose use is missing are left out."
    )
    preview = models.JSONField(
        null=True, encoder=DjangoJSONEncoder, help_text="What a person was shown before."
    )
    issued_count = models.PositiveIntegerField(default=0, help_text="Invoices issued.")
    not_billed = models.JSONField(
        default=list,
        encoder=DjangoJSONEncoder,
        help_text="Customers that could not be billed, with the reason.",
    )

    class Meta:
        ordering = ["-period_start", "currency"]
        constraints = [
            UniqueConstraint(
                fields=["currency", "period_start"], name="revenue_invoicerun_one_a_month"
            ),
            CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(approved_at__isnull=False),
                name="revenue_invoicerun_approved_before_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"Invoices of {month_text(self.period_start)} in {self.currency}"
