"""The ledger of MRR movements, its roll-ups by month, and their watermark."""

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from aethercrown.db.fields import AmountField, CurrencyField
from aethercrown.formatting import counted, date_text, money_text, month_text
from revenue.customers.models import ImmutableModel
from revenue.mrr.movements import MovementKind


class MrrMovement(ImmutableModel):
    """One movement of a customer's MRR; never updated, errors get an adjusting row.

    It counts in the month of `on`. `effective_on` is the day on which the change took effect,
    earlier where it was recorded late.
    """

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.PROTECT, related_name="movements"
    )
    currency = CurrencyField()
    on = models.DateField()
    effective_on = models.DateField()
    kind = models.CharField(
        max_length=12, choices=[(each.value, each.value) for each in MovementKind]
    )
    amount = AmountField(help_text="Above zero, except in an adjustment.")
    payers = models.SmallIntegerField(help_text="Customers who began (1) or stopped (-1) paying.")
    before = AmountField()
    after = AmountField()
    cause = models.CharField(max_length=12, help_text="recorded, changed, ended, adjusted, merged")
    is_adjustment = models.BooleanField(default=False)
    booked_at = models.DateTimeField()

    class Meta:
        verbose_name = "MRR movement"
        ordering = ["-on", "-pk"]
        indexes = [  # both hold every column that a bridge reads
            Index(
                fields=["currency", "on", "kind", "amount", "payers"],
                name="revenue_mrrmovement_booked",
            ),
            Index(
                fields=["currency", "effective_on", "kind", "amount", "payers"],
                name="revenue_mrrmovement_effective",
            ),
        ]
        constraints = [
            CheckConstraint(
                condition=Q(amount__gt=0) | Q(is_adjustment=True),
                name="revenue_mrrmovement_only_adjustments_negative",
            ),
            CheckConstraint(
                condition=~Q(amount=0, payers=0), name="revenue_mrrmovement_changes_something"
            ),
            CheckConstraint(
                condition=Q(effective_on__lte=F("on")), name="revenue_mrrmovement_not_booked_ahead"
            ),
            CheckConstraint(
                condition=Q(kind__in=[each.value for each in MovementKind]),
                name="revenue_mrrmovement_known_kind",
            ),
        ]

    def __str__(self) -> str:
        amount = money_text(self.amount, self.currency)
        return f"{self.kind} of {amount} on {date_text(self.on)}"


class MrrRollup(models.Model):
    """The ledger's rows up to the watermark, summed by segment and month."""

    class Basis(models.TextChoices):
        BOOKED = "on"
        EFFECTIVE = "effective_on"

    currency = CurrencyField()
    basis = models.CharField(max_length=12, choices=Basis)
    segment = models.CharField(max_length=100)
    month = models.DateField()
    kind = models.CharField(max_length=12)
    amount = AmountField()
    payers = models.BigIntegerField()

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["currency", "basis", "segment", "month", "kind"],
                name="revenue_mrrrollup_one_a_month",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.segment or 'no segment'} in {month_text(self.month)}"


class RetentionRollup(models.Model):
    """MRR gained and lost between both ends of a span by the customers of its start."""

    currency = CurrencyField()
    basis = models.CharField(max_length=12, choices=MrrRollup.Basis)
    months = models.PositiveSmallIntegerField(help_text="The length of the span.")
    month = models.DateField(help_text="The last month of the span.")
    gained = AmountField()
    lost = AmountField()
    left = models.BigIntegerField(help_text="Customers who pay nothing at its end.")

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["currency", "basis", "months", "month"],
                name="revenue_retentionrollup_one_a_span",
            )
        ]

    def __str__(self) -> str:
        return f"{counted(self.months, 'month')} to {month_text(self.month)} in {self.currency}"


class RollupWatermark(models.Model):
    """How far the roll-ups reach: the newest row in them, and their number of rows."""

    upto = models.BigIntegerField()
    rows = models.BigIntegerField()
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [CheckConstraint(condition=Q(pk=1), name="revenue_rollupwatermark_one_row")]

    def __str__(self) -> str:
        return f"{counted(self.rows, 'row')}, up to number {self.upto}"
