"""The ledger's monthly sums by segment, and how far they reach."""

from django.db import models
from django.db.models import Q

from aethercrown.db.fields import CurrencyField
from revenue.customers.models import AmountField


class MonthlySum(models.Model):
    """The ledger's rows up to a mark, summed by segment and month; made from them, never edited."""

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
            models.UniqueConstraint(
                fields=["currency", "basis", "segment", "month", "kind"],
                name="revenue_monthlysum_one_a_month",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.segment or 'no segment'} in {self.month:%Y-%m}"


class KeptSum(models.Model):
    """What customers who paid when a span began gave more, and less, when it ended.

    Each by what they paid at both ends, however often they moved between. Summed up to the mark.
    """

    currency = CurrencyField()
    basis = models.CharField(max_length=12, choices=MonthlySum.Basis)
    months = models.PositiveSmallIntegerField(help_text="The length of the span.")
    month = models.DateField(help_text="The last month of the span.")
    gained = AmountField()
    lost = AmountField()
    left = models.BigIntegerField(help_text="Customers who pay nothing at its end.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "basis", "months", "month"],
                name="revenue_keptsum_one_a_span",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.months} months to {self.month:%Y-%m} in {self.currency}"


class Mark(models.Model):
    """How far the monthly sums reach: the newest row in them, and how many rows there are."""

    upto = models.BigIntegerField()
    rows = models.BigIntegerField()
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="revenue_mark_one_row")]

    def __str__(self) -> str:
        return f"{self.rows} rows, up to number {self.upto}"
