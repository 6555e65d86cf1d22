"""The ledger's monthly sums by segment, and how far they reach."""

from django.db import models
from django.db.models import Q

from aethercrown.columns import CurrencyField
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


class Mark(models.Model):
    """How far the monthly sums reach: the newest row in them, and how many rows there are."""

    upto = models.BigIntegerField()
    rows = models.BigIntegerField()
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="revenue_mark_one_row")]

    def __str__(self) -> str:
        return f"{self.rows} rows, up to number {self.upto}"
