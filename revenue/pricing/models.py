"""Price books with their versions, and quotes; a published version never changes."""

import uuid
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from aethercrown.db.fields import CurrencyField, MoneyField
from aethercrown.history.tracking import Records
from aethercrown.money import exponent

MONEY_DIGITS: dict[str, Any] = {
    "max_digits": 15,
    "decimal_places": 3,
}  # the finest currencies have 3
PERCENT_FIELD: dict[str, Any] = {
    "max_digits": 7,
    "decimal_places": 4,
    "validators": [MinValueValidator(0), MaxValueValidator(100)],
}


class ImmutableVersion(ValueError):
    """A published version of a price book never changes; a correction is a new version."""


class PriceBook(models.Model):
    """Prices in one currency, in versions."""

    code = models.SlugField(max_length=50, unique=True)
    title = models.CharField(max_length=100)
    currency = CurrencyField()
    history = Records()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.title} ({self.currency})"


class PriceBookVersion(models.Model):
    """One state of a book: edited while a draft, then published for ever, at last retired."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    book = models.ForeignKey(PriceBook, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    effective_from = models.DateField(help_text="First day on which these prices may hold.")
    largest_discount = models.DecimalField(
        **PERCENT_FIELD, default=Decimal(20), help_text="All discounts together, in percent."
    )
    largest_change = models.DecimalField(
        max_digits=7,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="What a renewal may change, in percent of the price before; empty: no limit.",
    )
    notes = models.TextField(blank=True)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.CharField(max_length=150, blank=True, editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)
    history = Records()

    class Meta:
        ordering = ["book", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["book", "number"], name="revenue_pricebookversion_one_a_number"
            ),
            models.CheckConstraint(
                condition=Q(state="draft", published_at__isnull=True, digest="")
                | (~Q(state="draft") & Q(published_at__isnull=False) & ~Q(digest="")),
                name="revenue_pricebookversion_published_has_digest",
            ),
            models.CheckConstraint(
                condition=Q(state="retired", retired_at__isnull=False)
                | (~Q(state="retired") & Q(retired_at__isnull=True)),
                name="revenue_pricebookversion_retired_has_time",
            ),
            models.CheckConstraint(
                condition=Q(largest_discount__gte=0, largest_discount__lte=100),
                name="revenue_pricebookversion_discount_is_percent",
            ),
            models.CheckConstraint(
                condition=Q(largest_change__isnull=True) | Q(largest_change__gte=0),
                name="revenue_pricebookversion_change_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.book.code} version {self.number}"

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        if not self.is_draft:
            raise ImmutableVersion(f"{self} is {self.state}; it is kept for ever.")
        return super().delete(*args, **options)


class PricingPlan(models.Model):
    """A plan on sale. What it costs stands in each version of a book."""

    code = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    rank = models.PositiveIntegerField(help_text="Larger plans have higher ranks.")
    features = models.JSONField(default=list, blank=True, help_text="A list of short texts.")
    is_active = models.BooleanField(default=True)
    history = Records()

    class Meta:
        ordering = ["rank", "code"]

    def __str__(self) -> str:
        return self.name


class PriceBookRow(models.Model):
    """A row of a version: writable while that is a draft."""

    version = models.ForeignKey(PriceBookVersion, on_delete=models.CASCADE)

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        self._refuse_frozen()
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        self._refuse_frozen()
        return super().delete(*args, **options)

    def _refuse_frozen(self) -> None:
        if not self.version.is_draft:
            raise ImmutableVersion(
                f"{self.version} is {self.version.state}: its rows never change."
            )


class PlanPrice(PriceBookRow):
    """What a plan costs a month under a version, before factors and charges."""

    plan = models.ForeignKey(PricingPlan, on_delete=models.PROTECT, related_name="prices")
    base_price = MoneyField(**MONEY_DIGITS)
    floor = MoneyField(
        **MONEY_DIGITS, null=True, blank=True, help_text="The price is never below it."
    )
    ceiling = MoneyField(
        **MONEY_DIGITS, null=True, blank=True, help_text="The price is never above it."
    )
    history = Records()

    class Meta:
        default_related_name = "prices"
        ordering = ["version", "plan__rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "plan"], name="revenue_planprice_one_a_plan"
            ),
            models.CheckConstraint(
                condition=Q(base_price__gte=0), name="revenue_planprice_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(floor__isnull=True) | Q(floor__gte=0),
                name="revenue_planprice_floor_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(floor__isnull=True)
                | Q(ceiling__isnull=True)
                | Q(floor__lte=F("ceiling")),
                name="revenue_planprice_floor_below_ceiling",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan.code}: {self.base_price}"


class PlanCharge(PriceBookRow):
    """A metered charge of a plan, by one of the rater's models."""

    plan = models.ForeignKey(PricingPlan, on_delete=models.PROTECT)
    position = models.PositiveIntegerField(default=1)
    metric = models.CharField(max_length=100, help_text="Such as api_calls.")
    title = models.CharField(max_length=100)
    model = models.CharField(max_length=40, help_text="Such as graduated, volume or package_min.")
    price = models.JSONField(
        help_text='Such as {"tiers": [{"up_to": "1000", "unit": "0"}, {"unit": "0.002"}]}.'
    )
    history = Records()

    class Meta:
        default_related_name = "charges"
        ordering = ["version", "plan__rank", "position", "pk"]

    def __str__(self) -> str:
        return f"{self.title} ({self.model})"


class PriceFactor(PriceBookRow):
    """Above a bound, strictly, a metric multiplies the price or earns a discount."""

    class Kind(models.TextChoices):
        USAGE = "usage", "Usage: a multiplier"
        ENGAGEMENT = "engagement", "Engagement: a discount in percent"
        COMPANY = "company", "Company size: a multiplier for one plan"

    kind = models.CharField(max_length=10, choices=Kind)
    plan = models.ForeignKey(
        PricingPlan,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="For company size only.",
    )
    metric = models.CharField(max_length=100)
    above = models.DecimalField(max_digits=20, decimal_places=4, validators=[MinValueValidator(0)])
    value = models.DecimalField(
        max_digits=9,
        decimal_places=4,
        validators=[MinValueValidator(0)],
        help_text="A multiplier such as 1.1, or percent of discount such as 5.",
    )
    history = Records()

    class Meta:
        default_related_name = "factors"
        ordering = ["version", "kind", "metric", "above"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "kind", "plan", "metric", "above"],
                name="revenue_pricefactor_one_a_plans_bound",
            ),
            models.UniqueConstraint(
                fields=["version", "kind", "metric", "above"],
                condition=Q(plan__isnull=True),
                name="revenue_pricefactor_one_a_bound",
            ),
            models.CheckConstraint(
                condition=Q(above__gte=0, value__gte=0), name="revenue_pricefactor_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(kind="company", plan__isnull=False)
                | (~Q(kind="company") & Q(plan__isnull=True)),
                name="revenue_pricefactor_company_has_plan",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} > {self.above}: {self.value}"


class PlanRule(PriceBookRow):
    """Above a bound, strictly, a metric calls for at least this plan."""

    class Source(models.TextChoices):
        USAGE = "usage", "Usage"
        COMPANY = "company", "Company"

    plan = models.ForeignKey(PricingPlan, on_delete=models.PROTECT)
    source = models.CharField(max_length=10, choices=Source)
    metric = models.CharField(max_length=100)
    above = models.DecimalField(max_digits=20, decimal_places=4, validators=[MinValueValidator(0)])
    needs_company = models.BooleanField(
        default=False, help_text="Holds only where something is told of the company."
    )
    history = Records()

    class Meta:
        default_related_name = "rules"
        ordering = ["version", "-plan__rank", "source", "metric"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "plan", "source", "metric"], name="revenue_planrule_one_a_metric"
            ),
            models.CheckConstraint(condition=Q(above__gte=0), name="revenue_planrule_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.plan.code} where {self.metric} > {self.above}"


class Quote(models.Model):
    """A price that was told, with all it was worked out from; it can be worked out again."""

    quote_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(PriceBookVersion, on_delete=models.PROTECT, related_name="quotes")
    digest = models.CharField(max_length=64, help_text="Of the version, when it was quoted.")
    plan = models.ForeignKey(PricingPlan, on_delete=models.PROTECT, related_name="quotes")
    currency = CurrencyField()
    inputs = models.JSONField(encoder=DjangoJSONEncoder)
    previous_price = MoneyField(**MONEY_DIGITS, null=True, help_text="Before a renewal.")
    lines = models.JSONField(encoder=DjangoJSONEncoder)
    final_price = MoneyField(**MONEY_DIGITS)
    agreed_price = MoneyField(
        **MONEY_DIGITS,
        null=True,
        help_text="Granted beyond the guardrails by an approved decision.",
    )
    quoted_at = models.DateTimeField(db_index=True)
    quoted_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-quoted_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(final_price__gte=0), name="revenue_quote_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(agreed_price__isnull=True) | Q(agreed_price__gte=0),
                name="revenue_quote_agreed_not_negative",
            ),
        ]

    def __str__(self) -> str:
        digits = exponent(self.currency)
        return f"{self.final_price:.{digits}f} {self.currency} for {self.plan.name}"
