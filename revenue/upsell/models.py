"""Upsell opportunities, and the terms of offers."""

from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from aethercrown.db.fields import CurrencyField, MoneyField
from aethercrown.history.tracking import TrackedHistory
from revenue.upsell.decision_drafts import OfferDetails
from revenue.upsell.offer_mail import OfferDelivery
from revenue.upsell.opportunities import OpportunityKind
from revenue.upsell.states import ACTIVE_STATES, OpportunityState

MONEY_DIGITS: dict[str, Any] = {"max_digits": 18, "decimal_places": 3}


class Opportunity(models.Model):
    """A larger plan for one customer, from finding it to its outcome."""

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.CASCADE, related_name="opportunities"
    )
    kind = models.CharField(
        max_length=16, choices=[(each.value, each.value) for each in OpportunityKind]
    )
    state = models.CharField(
        max_length=9,
        choices=[(each.value, each.value) for each in OpportunityState],
        default=OpportunityState.OPEN.value,
    )
    current_plan = models.CharField(max_length=50)
    recommended_plan = models.CharField(max_length=50)
    currency = CurrencyField()
    reason = models.CharField(max_length=500)
    version = models.ForeignKey(
        "revenue.PriceBookVersion", on_delete=models.PROTECT, related_name="opportunities"
    )
    costs = models.JSONField(
        encoder=DjangoJSONEncoder, help_text="The cost of every plan for the forecast use."
    )
    inputs = models.JSONField(
        encoder=DjangoJSONEncoder, help_text="The use of the last 30 days, and the forecast."
    )
    gain_low = models.DecimalField(**MONEY_DIGITS)
    gain = models.DecimalField(
        **MONEY_DIGITS, help_text="Additional revenue a month; below 0 the customer saves."
    )
    gain_high = models.DecimalField(**MONEY_DIGITS)
    confidence = models.FloatField(help_text="The probability that it is accepted.")
    owner = models.CharField(max_length=150, blank=True, help_text="The person responsible.")
    outcome = models.CharField(max_length=200, blank=True, help_text="Why it ended.")
    notes = models.TextField(blank=True)
    found_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    offered_at = models.DateTimeField(null=True)
    delivery = models.CharField(
        "offered by",
        max_length=9,
        blank=True,
        default=OfferDelivery.NOT_OFFERED.value,
        choices=[
            (OfferDelivery.NOT_OFFERED.value, "not offered"),
            (OfferDelivery.MAIL.value, "mail"),
            (OfferDelivery.IN_PERSON.value, "the account manager"),
        ],
        help_text="By the account manager where no contact may be mailed an offer.",
    )
    expires_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, blank=True)
    agreed_amount = MoneyField(
        **MONEY_DIGITS,
        null=True,
        help_text="The new amount of the subscription a month, where agreed.",
    )
    acceptance = models.ForeignKey(
        "operations.Decision", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name_plural = "opportunities"
        ordering = ["-found_at", "-pk"]
        indexes = [
            Index(fields=["state", "kind"], name="revenue_opportunity_by_state"),
            Index(fields=["customer", "decided_at"], name="revenue_opportunity_decided"),
        ]
        constraints = [
            UniqueConstraint(
                fields=["customer", "kind"],
                condition=Q(state__in=[each.value for each in ACTIVE_STATES]),
                name="revenue_opportunity_one_open_a_kind",
            ),
            CheckConstraint(
                condition=Q(gain_low__lte=F("gain"), gain_high__gte=F("gain")),
                name="revenue_opportunity_gain_in_interval",
            ),
            CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1),
                name="revenue_opportunity_confidence_is_a_share",
            ),
            CheckConstraint(
                condition=~Q(state=OpportunityState.OFFERED) | Q(offered_at__isnull=False),
                name="revenue_opportunity_offered_has_a_time",
            ),
            CheckConstraint(
                condition=~Q(state__in=[OpportunityState.ACCEPTED, OpportunityState.DECLINED])
                | Q(decided_at__isnull=False),
                name="revenue_opportunity_decided_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recommended_plan} for {self.customer}"

    @property
    def details(self) -> OfferDetails:
        return OfferDetails(
            self.pk,
            self.customer_id,
            self.recommended_plan,
            self.currency,
            self.gain_low,
            self.gain,
            self.gain_high,
            self.confidence,
        )


class OfferTerms(models.Model):
    """The terms of offers; there is one row."""

    rest_days = models.PositiveIntegerField(
        default=90, help_text="Days without a new offer after a customer declined one."
    )
    valid_days = models.PositiveIntegerField(
        default=30, help_text="Days after which an unanswered offer expires."
    )
    offers_per_day = models.PositiveIntegerField(
        default=20, help_text="The largest number of offers made in 24 hours."
    )
    least_gain = MoneyField(
        default=Decimal(1),
        validators=[MinValueValidator(0)],
        help_text="Opportunities with a smaller gain a month are not stored.",
    )
    history = TrackedHistory()

    class Meta:
        verbose_name = "offer terms"
        verbose_name_plural = "offer terms"
        constraints = [CheckConstraint(condition=Q(pk=1), name="revenue_offerterms_one_row")]

    def __str__(self) -> str:
        return "Offer terms"
