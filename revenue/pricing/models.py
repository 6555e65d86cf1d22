"""Plans, price books with their versions, and quotes. A published version never changes."""

import uuid
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from aethercrown.db.fields import AmountField, CurrencyField, MoneyField
from aethercrown.formatting import exact_text, money_text
from aethercrown.history.tracking import TrackedHistory

MONEY_DIGITS: dict[str, Any] = {"max_digits": 15, "decimal_places": 3}  # no currency has more
PERCENT_FIELD: dict[str, Any] = {
    "max_digits": 7,
    "decimal_places": 4,
    "validators": [MinValueValidator(0), MaxValueValidator(100)],
}


class ImmutableVersion(ValueError):
    """A published version of a price book never changes; publish a new version instead."""


class PriceBook(models.Model):
    """A named list of prices in one currency; the prices are in its versions."""

    code = models.SlugField(max_length=50, unique=True)
    title = models.CharField(max_length=100)
    currency = CurrencyField()
    history = TrackedHistory()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.title} ({self.currency})"


class PriceBookVersion(models.Model):
    """A version of a price book: a draft that can be edited, then published, then retired."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    book = models.ForeignKey(PriceBook, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    effective_from = models.DateField(help_text="The first day on which these prices apply.")
    largest_discount = models.DecimalField(
        **PERCENT_FIELD,
        default=Decimal(20),
        help_text="The largest sum of all discounts, in percent.",
    )
    largest_change = models.DecimalField(
        max_digits=7,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="The largest change at a renewal, in percent of the old price; empty: no limit.",
    )
    notes = models.TextField(blank=True)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.CharField(max_length=150, blank=True, editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)
    history = TrackedHistory()

    class Meta:
        ordering = ["book", "-number"]
        constraints = [
            UniqueConstraint(
                fields=["book", "number"], name="revenue_pricebookversion_one_a_number"
            ),
            CheckConstraint(
                condition=Q(state="draft", published_at__isnull=True, digest="")
                | (~Q(state="draft") & Q(published_at__isnull=False) & ~Q(digest="")),
                name="revenue_pricebookversion_published_has_digest",
            ),
            CheckConstraint(
                condition=Q(state="retired", retired_at__isnull=False)
                | (~Q(state="retired") & Q(retired_at__isnull=True)),
                name="revenue_pricebookversion_retired_has_time",
            ),
            CheckConstraint(
                condition=Q(largest_discount__gte=0, largest_discount__lte=100),
                name="revenue_pricebookversion_discount_is_percent",
            ),
            CheckConstraint(
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
            raise ImmutableVersion(f"{self} is {self.state}; it cannot be deleted.")
        return super().delete(*args, **options)


class PricingPlan(models.Model):
    """A plan on sale. Its prices are in the versions of price books."""

    code = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    rank = models.PositiveIntegerField(help_text="Larger plans have higher ranks.")
    features = models.JSONField(default=list, blank=True, help_text="A list of short texts.")
    is_active = models.BooleanField(default=True)
    history = TrackedHistory()

    class Meta:
        ordering = ["rank", "code"]

    def __str__(self) -> str:
        return self.name


class PlanEntitlement(models.Model):
    """What a plan includes of a metric, and how much of it a client may use."""

    plan = models.ForeignKey(PricingPlan, on_delete=models.CASCADE, related_name="entitlements")
    metric = models.CharField(max_length=100, help_text="For example api_calls.")
    included = AmountField(
        null=True, blank=True, help_text="In the plan's price, a month. Empty: not stated."
    )
    limit = AmountField(
        null=True,
        blank=True,
        help_text="Clients on the plan are warned near it. Empty: there is none.",
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["plan", "metric"]
        constraints = [
            UniqueConstraint(
                fields=["plan", "metric"], name="revenue_planentitlement_one_a_metric"
            ),
            CheckConstraint(condition=~Q(metric=""), name="revenue_planentitlement_has_metric"),
            CheckConstraint(
                condition=(Q(included__isnull=True) | Q(included__gte=0))
                & (Q(limit__isnull=True) | Q(limit__gte=0)),
                name="revenue_planentitlement_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} of {self.plan}"


class PriceBookRow(models.Model):
    """A row of a version; writable while the version is a draft."""

    version = models.ForeignKey(PriceBookVersion, on_delete=models.CASCADE)

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        self._require_draft()
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        self._require_draft()
        return super().delete(*args, **options)

    def _require_draft(self) -> None:
        if not self.version.is_draft:
            raise ImmutableVersion(
                f"{self.version} is {self.version.state}: its rows never change."
            )


class PlanPrice(PriceBookRow):
    """The price of a plan a month in a version, before factors and charges."""

    plan = models.ForeignKey(PricingPlan, on_delete=models.PROTECT, related_name="prices")
    base_price = MoneyField(**MONEY_DIGITS)
    floor = MoneyField(
        **MONEY_DIGITS,
        null=True,
        blank=True,
        help_text="The lowest price after factors and discounts.",
    )
    ceiling = MoneyField(
        **MONEY_DIGITS,
        null=True,
        blank=True,
        help_text="The highest price after factors and discounts.",
    )
    history = TrackedHistory()

    class Meta:
        default_related_name = "prices"
        ordering = ["version", "plan__rank"]
        constraints = [
            UniqueConstraint(fields=["version", "plan"], name="revenue_planprice_one_a_plan"),
            CheckConstraint(condition=Q(base_price__gte=0), name="revenue_planprice_not_negative"),
            CheckConstraint(
                condition=Q(floor__isnull=True) | Q(floor__gte=0),
                name="revenue_planprice_floor_not_negative",
            ),
            CheckConstraint(
                condition=Q(floor__isnull=True)
                | Q(ceiling__isnull=True)
                | Q(floor__lte=F("ceiling")),
                name="revenue_planprice_floor_below_ceiling",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan.code}: {exact_text(self.base_price)}"


class PlanCharge(PriceBookRow):
    """A charge of a plan on a metric, by one of the charge models."""

    plan = models.ForeignKey(PricingPlan, on_delete=models.PROTECT)
    position = models.PositiveIntegerField(default=1)
    metric = models.CharField(max_length=100, help_text="For example api_calls.")
    title = models.CharField(max_length=100)
    model = models.CharField(
        max_length=40, help_text="For example graduated, volume or package_min."
    )
    price = models.JSONField(
        help_text='For example {"tiers": [{"up_to": "1000", "unit": "0"}, {"unit": "0.002"}]}.'
    )
    history = TrackedHistory()

    class Meta:
        default_related_name = "charges"
        ordering = ["version", "plan__rank", "position", "pk"]

    def __str__(self) -> str:
        return f"{self.title} ({self.model})"


class PriceFactor(PriceBookRow):
    """A metric above `above` multiplies the price or gives a discount."""

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
    history = TrackedHistory()

    class Meta:
        default_related_name = "factors"
        ordering = ["version", "kind", "metric", "above"]
        constraints = [
            UniqueConstraint(
                fields=["version", "kind", "plan", "metric", "above"],
                name="revenue_pricefactor_one_a_plans_bound",
            ),
            UniqueConstraint(
                fields=["version", "kind", "metric", "above"],
                condition=Q(plan__isnull=True),
                name="revenue_pricefactor_one_a_bound",
            ),
            CheckConstraint(
                condition=Q(above__gte=0, value__gte=0), name="revenue_pricefactor_not_negative"
            ),
            CheckConstraint(
                condition=Q(kind="company", plan__isnull=False)
                | (~Q(kind="company") & Q(plan__isnull=True)),
                name="revenue_pricefactor_company_has_plan",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} > {exact_text(self.above)}: {exact_text(self.value)}"


class PlanRule(PriceBookRow):
    """A metric above `above` recommends at least this plan."""

    class Source(models.TextChoices):
        USAGE = "usage", "Usage"
        COMPANY = "company", "Company"

    plan = models.ForeignKey(PricingPlan, on_delete=models.PROTECT)
    source = models.CharField(max_length=10, choices=Source)
    metric = models.CharField(max_length=100)
    above = models.DecimalField(max_digits=20, decimal_places=4, validators=[MinValueValidator(0)])
    needs_company = models.BooleanField(
        default=False, help_text="Applies only where company data is given."
    )
    history = TrackedHistory()

    class Meta:
        default_related_name = "rules"
        ordering = ["version", "-plan__rank", "source", "metric"]
        constraints = [
            UniqueConstraint(
                fields=["version", "plan", "source", "metric"], name="revenue_planrule_one_a_metric"
            ),
            CheckConstraint(condition=Q(above__gte=0), name="revenue_planrule_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.plan.code} where {self.metric} > {exact_text(self.above)}"


class Quote(models.Model):
    """A quoted price with its inputs, so that it can be calculated again."""

    quote_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(PriceBookVersion, on_delete=models.PROTECT, related_name="quotes")
    digest = models.CharField(max_length=64, help_text="The digest of the version when quoted.")
    plan = models.ForeignKey(PricingPlan, on_delete=models.PROTECT, related_name="quotes")
    currency = CurrencyField()
    inputs = models.JSONField(encoder=DjangoJSONEncoder)
    previous_price = MoneyField(**MONEY_DIGITS, null=True, help_text="The price before a renewal.")
    lines = models.JSONField(encoder=DjangoJSONEncoder)
    final_price = MoneyField(**MONEY_DIGITS)
    agreed_price = MoneyField(
        **MONEY_DIGITS,
        null=True,
        help_text="The price set by an approved decision, outside the guardrails.",
    )
    quoted_at = models.DateTimeField(db_index=True)
    quoted_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-quoted_at", "-pk"]
        constraints = [
            CheckConstraint(condition=Q(final_price__gte=0), name="revenue_quote_not_negative"),
            CheckConstraint(
                condition=Q(agreed_price__isnull=True) | Q(agreed_price__gte=0),
                name="revenue_quote_agreed_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{money_text(self.final_price, self.currency)} for {self.plan.name}"
