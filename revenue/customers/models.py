"""Customers, their subscriptions with every change, and payments."""

import zoneinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q
from django.db.models.expressions import Combinable
from django.utils import timezone

from aethercrown.currencies import CODES
from aethercrown.db.fields import CurrencyField

MILLION = 1_000_000


class AmountField(models.Field):  # type: ignore[type-arg]  # generic in stubs only
    """A Decimal with six decimals, stored as whole millionths so that every database adds exactly.

    (SQLite stores decimals as floats, whose sum over many rows is inexact.)
    """

    _pyi_private_set_type: Decimal | int | Combinable  # the stubs read a field's types here
    _pyi_private_get_type: Decimal
    _pyi_lookup_exact_type: Decimal | int

    def get_internal_type(self) -> str:
        return "BigIntegerField"

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-6)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise ValidationError(f"{value!r} is not a number.") from None

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return int((Decimal(value) * MILLION).to_integral_exact())

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))

    def formfield(self, **options: Any) -> Any:
        return forms.DecimalField(
            max_digits=18,
            decimal_places=6,
            required=not self.blank,
            label=str(self.verbose_name).capitalize(),
            help_text=self.help_text,
            min_value=0,
            **{key: value for key, value in options.items() if key == "widget"},
        )


class ImmutableRow(TypeError):
    """A stored row cannot be changed; store a correcting row instead."""


class ImmutableModel(models.Model):
    """Base for rows that are never updated; a database trigger refuses updates as well."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        if self.pk is not None:
            raise ImmutableRow(f"{self} is stored already; store a correction instead.")
        super().save(*args, **options)


def known_currency(code: str) -> None:
    if code not in CODES:
        raise ValidationError(f"{code!r} is not an ISO 4217 currency code such as USD.")


def known_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"{name!r} is not a time zone such as Europe/Berlin.")


class Customer(models.Model):
    """A company or person that pays."""

    external_id = models.CharField(
        max_length=100, unique=True, help_text="The API's client_id and customer_id."
    )
    name = models.CharField(max_length=200)
    segment = models.CharField(max_length=100, blank=True)
    size = models.CharField(max_length=50, blank=True, help_text="Such as 11-50.")
    owner = models.CharField(max_length=150, blank=True, help_text="The account manager.")
    currency = CurrencyField(validators=[known_currency])
    time_zone = models.CharField(max_length=64, default="UTC", validators=[known_time_zone])
    created_at = models.DateTimeField(auto_now_add=True)
    merged_into = models.ForeignKey(
        "self", null=True, editable=False, on_delete=models.PROTECT, related_name="duplicates"
    )
    erased_at = models.DateTimeField(null=True, editable=False)
    rolled_segment = models.CharField(
        max_length=100,
        null=True,
        editable=False,
        help_text="The segment in which the MRR roll-ups count it.",
    )

    class Meta:
        ordering = ["name", "pk"]
        indexes = [
            Index(fields=["segment"], name="revenue_customer_segment"),
            Index(  # finds customers who changed segment without reading the rows
                fields=["merged_into", "rolled_segment", "segment"], name="revenue_customer_rolled"
            ),
        ]
        constraints = [
            CheckConstraint(condition=~Q(external_id=""), name="revenue_customer_has_external_id"),
            CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("pk")),
                name="revenue_customer_not_merged_into_itself",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """A recurring charge to a customer in its present state; `changes` has its history."""

    external_id = models.CharField(max_length=100, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.CharField(max_length=100, blank=True, help_text="The plan's code.")
    amount = AmountField(validators=[MinValueValidator(0)], help_text="Per month, before tax.")
    currency = CurrencyField(validators=[known_currency])
    started_on = models.DateField()
    ended_on = models.DateField(
        null=True, blank=True, help_text="First day without it; empty while it is active."
    )

    class Meta:
        ordering = ["-started_on", "-pk"]
        indexes = [
            Index(fields=["currency", "plan", "amount"], name="revenue_subscription_by_plan")
        ]
        constraints = [
            CheckConstraint(
                condition=Q(amount__gte=0), name="revenue_subscription_amount_not_negative"
            ),
            CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("started_on")),
                name="revenue_subscription_ends_after_start",
            ),
            CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(amount=0),
                name="revenue_subscription_ended_amount_is_zero",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan or 'subscription'} of {self.customer}"

    def clean(self) -> None:
        """Show beside its field what the services would reject."""
        wrong = {}
        if self.started_on and self.started_on > timezone.localdate():
            wrong["started_on"] = f"{self.started_on} is after today; record it on its day."
        if self.customer_id and self.currency != self.customer.currency:
            wrong["currency"] = f"{self.customer} pays in {self.customer.currency}."
        if wrong:
            raise ValidationError(wrong)


class SubscriptionChange(models.Model):
    """A subscription's plan and monthly amount from a day on; of one day, the last row is valid."""

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="changes")
    on = models.DateField()
    plan = models.CharField(max_length=100, blank=True)
    amount = AmountField(validators=[MinValueValidator(0)])
    is_end = models.BooleanField(default=False)
    note = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["on", "pk"]
        constraints = [
            CheckConstraint(
                condition=Q(amount__gte=0), name="revenue_subscriptionchange_amount_not_negative"
            ),
            CheckConstraint(
                condition=Q(is_end=False) | Q(amount=0),
                name="revenue_subscriptionchange_end_amount_is_zero",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} from {self.on}"

    def clean(self) -> None:
        """Show beside its field what the services would reject."""
        if self.on is None or self.amount is None:
            return
        parent = self.subscription
        again = parent.changes.filter(on=self.on).exists()
        if self.on < parent.started_on:
            raise ValidationError({"on": f"Before the start, {parent.started_on}."})
        if self.on > timezone.localdate():
            raise ValidationError({"on": "After today; record it on its day."})
        if self.is_end and (self.amount or self.on < parent.changes.latest("on", "pk").on):
            raise ValidationError(
                {"is_end": "An end has the amount 0 and comes after every change."}
            )
        if parent.ended_on and not again:
            raise ValidationError({"on": f"The subscription ended on {parent.ended_on}."})
        if again and not self.note:
            raise ValidationError(
                {"note": f"This adjusts what was recorded for {self.on}; give the reason."}
            )


class Payment(models.Model):
    """A payment from a customer, or a refund."""

    class Kind(models.TextChoices):
        PAYMENT = "payment", "Payment"
        REFUND = "refund", "Refund"

    external_id = models.CharField(max_length=100, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="payments")
    kind = models.CharField(max_length=7, choices=Kind, default=Kind.PAYMENT)
    paid_on = models.DateField()
    amount = AmountField(validators=[MinValueValidator(0)])
    currency = CurrencyField(validators=[known_currency])

    class Meta:
        ordering = ["-paid_on", "-pk"]
        indexes = [Index(fields=["currency", "paid_on"], name="revenue_payment_by_day")]
        constraints = [
            CheckConstraint(condition=Q(amount__gte=0), name="revenue_payment_amount_not_negative")
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} on {self.paid_on}"

    def clean(self) -> None:
        """Show beside its field what an import would reject."""
        wrong = {}
        if self.paid_on and self.paid_on > timezone.localdate():
            wrong["paid_on"] = f"{self.paid_on} is after today; record it on its day."
        if self.customer_id and self.currency != self.customer.currency:
            wrong["currency"] = f"{self.customer} pays in {self.customer.currency}."
        if wrong:
            raise ValidationError(wrong)
