"""Plans with their shares, and the allocation in force."""

from decimal import Decimal

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from aethercrown.db.fields import CurrencyField, MoneyField
from aethercrown.history.tracking import Records

VALID_PROBABILITY = Q(probability_of_lift__gte=0, probability_of_lift__lte=1)


class BudgetPlan(models.Model):
    """A budget divided over channels. Whether it was approved is its decision's status."""

    class Source(models.TextChoices):
        API = "api", "API call"
        NIGHTLY = "nightly", "Automation"
        ADMIN = "admin", "Staff"

    class Mode(models.TextChoices):
        CHANNELS = "channels", "Revenue per channel"
        AGGREGATE = "aggregate", "Total revenue only"

    created_at = models.DateTimeField(db_index=True)
    source = models.CharField(max_length=8, choices=Source)
    mode = models.CharField(max_length=10, choices=Mode)
    total = MoneyField(validators=[MinValueValidator(Decimal("0.01"))])
    currency = CurrencyField()
    budget_periods = models.PositiveIntegerField(
        default=1, help_text="Periods (rows of history) that the total is for."
    )
    starts_on = models.DateField(null=True, help_text="First day of the window planned for.")
    ends_on = models.DateField(null=True)
    input_digest = models.CharField(max_length=64, unique=True)
    question = models.JSONField(encoder=DjangoJSONEncoder, help_text="What was asked, in short.")
    proposal = models.JSONField(encoder=DjangoJSONEncoder, help_text="The planner's whole answer.")
    method = models.CharField(max_length=200)
    revenue_estimate = models.FloatField()
    revenue_low = models.FloatField()
    revenue_high = models.FloatField()
    lift_estimate = models.FloatField(help_text="Percent against keeping the present mix.")
    lift_low = models.FloatField()
    lift_high = models.FloatField()
    probability_of_lift = models.FloatField()
    auto_applicable = models.BooleanField()
    decision = models.OneToOneField(
        "operations.Decision", on_delete=models.PROTECT, related_name="budget_plan"
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(total__gt=0), name="marketing_plan_total_positive"),
            models.CheckConstraint(
                condition=Q(budget_periods__gte=1), name="marketing_plan_has_a_period"
            ),
            models.CheckConstraint(
                condition=VALID_PROBABILITY, name="marketing_plan_probability_in_range"
            ),
            models.CheckConstraint(
                condition=Q(revenue_low__lte=F("revenue_high")) & Q(lift_low__lte=F("lift_high")),
                name="marketing_plan_intervals_ordered",
            ),
        ]

    def __str__(self) -> str:
        return f"Plan {self.pk}: {self.total} {self.currency}"


class PlanAllocation(models.Model):
    """One channel's part of a plan. A channel that only an API call names has no row yet."""

    plan = models.ForeignKey(BudgetPlan, on_delete=models.CASCADE, related_name="shares")
    channel = models.ForeignKey(
        "marketing.Channel", null=True, on_delete=models.SET_NULL, related_name="shares"
    )
    channel_name = models.CharField(max_length=100)
    amount = MoneyField()
    present = MoneyField(help_text="What it has now, for the same window.")
    action = models.CharField(max_length=8)
    reason = models.TextField()

    class Meta:
        ordering = ["plan", "channel_name"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "channel_name"], name="marketing_share_one_a_channel"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0, present__gte=0), name="marketing_share_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel_name}: {self.amount}"


class AllocationLock(models.Model):
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
