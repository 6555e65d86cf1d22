"""Amounts in force and those that were."""

from django.db import models
from django.db.models import F, Q

from aethercrown.columns import CurrencyField, MoneyField
from aethercrown.history import Records


class Book(models.Model):
    """The row of a currency that whoever changes its allocation holds, so that one waits."""

    currency = CurrencyField(unique=True)
    history = Records()

    def __str__(self) -> str:
        return str(self.currency)


class Allocation(models.Model):
    """What a channel gets by an applied decision, from when until when; open ones are in force."""

    channel = models.ForeignKey(
        "marketing.Channel", on_delete=models.PROTECT, related_name="allocations"
    )
    decision = models.ForeignKey(
        "operations.Decision", on_delete=models.PROTECT, related_name="budget_allocations"
    )
    amount = MoneyField(help_text="For the window of its plan.")
    currency = CurrencyField()
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-valid_from", "channel"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel"],
                condition=Q(valid_to__isnull=True),
                name="marketing_allocation_one_in_force",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="marketing_allocation_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="marketing_allocation_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.amount} {self.currency}"
