"""Budget plans, their allocations, and the allocation in force."""

from decimal import Decimal

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from aethercrown.db.fields import CurrencyField, MoneyField
from aethercrown.formatting import exact_text, money_text
from aethercrown.history.tracking import TrackedHistory
from marketing.budget.planner.proposal import Interval
from marketing.budget.planner.rounding import weekly_amount

VALID_PROBABILITY = Q(probability_of_lift__gte=0, probability_of_lift__lte=1)


class BudgetAmount(models.Model):
    """What the nightly plan divides; there is one row once staff have set it."""

    class Period(models.TextChoices):
        WEEK = "week", "a week"
        MONTH = "month", "a month"

    amount = MoneyField(validators=[MinValueValidator(Decimal("0.01"))])
    currency = CurrencyField()
    period = models.CharField(max_length=5, choices=Period, default=Period.WEEK)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=200, blank=True)
    history = TrackedHistory()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="marketing_budgetamount_one_row"),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="marketing_budgetamount_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{money_text(self.amount, self.currency)} {self.get_period_display()}"

    @property
    def weekly(self) -> Decimal:
        """The amount for one week, to the currency's smallest unit."""
        return weekly_amount(self.amount, self.period, self.currency)


class BudgetPlan(models.Model):
    """A budget divided over channels; its state is the status of its decision."""

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
    request_summary = models.JSONField(encoder=DjangoJSONEncoder)
    proposal = models.JSONField(
        encoder=DjangoJSONEncoder, help_text="The proposal as the planner made it."
    )
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
            models.CheckConstraint(
                condition=Q(total__gt=0), name="marketing_budgetplan_total_positive"
            ),
            models.CheckConstraint(
                condition=Q(budget_periods__gte=1), name="marketing_budgetplan_has_a_period"
            ),
            models.CheckConstraint(
                condition=VALID_PROBABILITY, name="marketing_budgetplan_probability_in_range"
            ),
            models.CheckConstraint(
                condition=Q(revenue_low__lte=F("revenue_high")) & Q(lift_low__lte=F("lift_high")),
                name="marketing_budgetplan_intervals_ordered",
            ),
        ]

    def __str__(self) -> str:
        return f"Plan {self.pk}: {money_text(self.total, self.currency)}"

    @property
    def expected_revenue(self) -> Interval:
        return Interval(self.revenue_estimate, self.revenue_low, self.revenue_high)

    @property
    def expected_lift(self) -> Interval:
        return Interval(self.lift_estimate, self.lift_low, self.lift_high)

    @property
    def realised_lift(self) -> Interval | None:
        """The measured effect of its decision; None until it is measured."""
        row = self.decision.realised
        return Interval(row["value"], row["low"], row["high"]) if row else None


class PlanAllocation(models.Model):
    """What a plan gives one channel; `channel` is null where only the API request names it."""

    plan = models.ForeignKey(BudgetPlan, on_delete=models.CASCADE, related_name="allocations")
    channel = models.ForeignKey(
        "marketing.Channel", null=True, on_delete=models.SET_NULL, related_name="plan_allocations"
    )
    channel_name = models.CharField(max_length=100)
    amount = MoneyField()
    present = MoneyField(help_text="What the channel has now, for the same window.")
    action = models.CharField(max_length=8)
    reason = models.TextField()

    class Meta:
        ordering = ["plan", "channel_name"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "channel_name"], name="marketing_planallocation_one_a_channel"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0, present__gte=0),
                name="marketing_planallocation_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel_name}: {exact_text(self.amount)}"


class AllocationLock(models.Model):
    """One row for each currency, locked while its allocation in force is changed."""

    currency = CurrencyField(unique=True)
    history = TrackedHistory()

    def __str__(self) -> str:
        return str(self.currency)


class Allocation(models.Model):
    """What an applied decision gives a channel, and when; without `valid_to` it is in force."""

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
        return f"{self.channel}: {money_text(self.amount, self.currency)}"


class BudgetTask(models.Model):
    """Amounts of a decided budget that a named person sets, where no destination gets them."""

    decision = models.ForeignKey(
        "operations.Decision", on_delete=models.CASCADE, related_name="budget_tasks"
    )
    event = models.CharField(max_length=11, help_text="applied or rolled_back.")
    person = models.CharField(max_length=200, help_text="Who sets the amounts.")
    currency = CurrencyField()
    title = models.CharField(max_length=200)
    text = models.TextField(help_text="Each channel with its new and its old amount.")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["decision", "event"], name="marketing_budgettask_one_an_event"
            ),
        ]

    def __str__(self) -> str:
        return self.title
