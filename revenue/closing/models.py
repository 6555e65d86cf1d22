"""Months whose invoices are issued together; what became of each stands in its decision."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from aethercrown.columns import CurrencyField


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
