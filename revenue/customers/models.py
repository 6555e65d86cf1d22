"""Customers, their subscriptions with every change, and payments."""

import zoneinfo
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint
from django.db.models.functions import Lower
from django.utils import timezone

from aethercrown.currencies import CODES
from aethercrown.db.fields import AmountField, CurrencyField
from aethercrown.formatting import date_text, exact_text, money_text
from aethercrown.history.tracking import TrackedHistory
from revenue.customers import data_hooks
from revenue.customers.billing_interval import MONTHS
from revenue.customers.plan_terms import (
    MAX_AMOUNT,
    MAX_FEE,
    MAX_QUANTITY,
    TOO_FAR_AHEAD,
    PlanTerms,
    PriceBasis,
    SubscriptionState,
    is_too_far_ahead,
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
    data_import = models.ForeignKey(
        "operations.DataImport",
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The import that recorded it.",
    )
    history = TrackedHistory(excluded_fields=["rolled_segment", "data_import"])

    class Meta:
        ordering = ["name", "pk"]
        indexes = [
            Index(fields=["segment"], name="revenue_customer_segment"),
            Index(  # lists customers of a currency, and their segments, without reading the rows
                fields=["currency", "segment"],
                condition=Q(merged_into=None),
                name="revenue_customer_listed",
            ),
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


LASTING_BASES = (PriceBasis.LIST.value, PriceBasis.NEGOTIATED.value)
ONE_AN_ADDRESS = "The customer has a contact with this address already."


class Contact(models.Model):
    """A person at a customer; consent to marketing mail is kept by address, in messaging."""

    class Role(models.TextChoices):
        OWNER = "owner", "owner: decides about the contract"
        TECHNICAL = "technical"
        FINANCE = "finance", "finance: gets invoices"
        VIEWER = "viewer"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contacts")
    name = models.CharField(max_length=200)
    email = models.EmailField("e-mail")
    role = models.CharField(max_length=9, choices=Role, default=Role.VIEWER)
    locale = models.CharField(
        max_length=35,
        blank=True,
        validators=[RegexValidator(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z", "Such as de-AT.")],
        help_text="Of the language of mail, such as de-AT; empty: the general text.",
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        validators=[known_time_zone],
        help_text="For quiet hours; empty: the customer's.",
    )
    is_active = models.BooleanField(
        "gets mail", default=True, help_text="Off: nothing is written to this person."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    email_changed_at = models.DateTimeField(null=True, editable=False)
    # Of a person the history says what changed and who changed it, without the name and address.
    data_import = models.ForeignKey(
        "operations.DataImport",
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The import that recorded it.",
    )
    history = TrackedHistory(excluded_fields=["name", "email", "data_import"])

    class Meta:
        ordering = ["customer", "pk"]
        constraints = [
            UniqueConstraint(
                Lower("email"),
                "customer",
                name="revenue_contact_one_an_address",
                violation_error_message=ONE_AN_ADDRESS,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    def clean(self) -> None:
        """One of an address; and nobody is added to a customer that was merged or erased."""
        if not self.customer_id:
            return
        owner = self.customer
        if owner.merged_into_id or owner.erased_at:
            raise ValidationError(f"{owner} was merged or erased; nothing can be added.")
        same = owner.contacts.filter(email__iexact=self.email).exclude(pk=self.pk)
        if same.exists():  # a form within the customer's page leaves the constraint out
            raise ValidationError({"email": ONE_AN_ADDRESS})

    @property
    def person(self) -> str:
        """How messages refer to it."""
        return f"contact {self.pk}"

    @property
    def zone(self) -> str:
        return self.time_zone or self.customer.time_zone


class AgreedTerms(models.Model):
    """What is agreed of a subscription: state, plan, and price of an interval.

    `amount` is the MRR that the terms make.
    """

    plan = models.CharField(max_length=100, blank=True, help_text="The plan's code.")
    state = models.CharField(
        max_length=6,
        choices=[
            (each.value, each.value)
            for each in SubscriptionState
            if each is not SubscriptionState.FUTURE
        ],
        default=SubscriptionState.ACTIVE.value,
        help_text="Trial and free: in force without a fee. Active: billed, also at a price of 0.",
    )
    basis = models.CharField(
        "price",
        max_length=10,
        choices=[
            (PriceBasis.LIST.value, "list: follows the price book"),
            (PriceBasis.NEGOTIATED.value, "negotiated"),
            (PriceBasis.OVERRIDE.value, "override: until a day, with its reason"),
        ],
        default=PriceBasis.NEGOTIATED.value,
    )
    price = AmountField(
        "amount",
        default=Decimal(0),
        validators=[MinValueValidator(0), MaxValueValidator(MAX_AMOUNT)],
        help_text="Of one unit for each interval, before coupon and tax.",
    )
    interval = models.CharField(
        max_length=11, choices=[(each, each.replace("_", " ")) for each in MONTHS], default="month"
    )
    quantity = models.PositiveIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MAX_QUANTITY)]
    )
    amount = AmountField(
        "MRR", default=Decimal(0), validators=[MinValueValidator(0)], editable=False
    )

    class Meta:
        abstract = True


UNTRACKED = [  # of a subscription: its terms follow from its changes
    *("plan", "state", "basis", "price", "interval", "quantity", "amount"),
    *("ended_on", "next_step_on", "data_import"),
]


class Subscription(AgreedTerms):
    """A recurring charge to a customer in its present state; `changes` has its history."""

    state = models.CharField(
        max_length=6,
        choices=[(each.value, each.value) for each in SubscriptionState],
        default=SubscriptionState.ACTIVE.value,
        help_text="Trial and free: in force without a fee. Active: billed, also at a price of 0. "
        "Future: it has not begun.",
    )
    external_id = models.CharField(max_length=100, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="subscriptions")
    currency = CurrencyField(validators=[known_currency])
    started_on = models.DateField(help_text="A day to come is in force from that day on.")
    ended_on = models.DateField(
        null=True, blank=True, help_text="First day without it; empty while it is active."
    )
    next_step_on = models.DateField(
        null=True,
        editable=False,
        help_text="When it begins, or a trial, a coupon or an override ends next.",
    )
    data_import = models.ForeignKey(
        "operations.DataImport",
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The import that recorded it.",
    )
    history = TrackedHistory(excluded_fields=UNTRACKED)  # whose it was; `changes` has its terms

    class Meta:
        ordering = ["-started_on", "-pk"]
        indexes = [
            Index(  # sums plans without reading the rows
                fields=["currency", "plan", "amount", "customer"],
                name="revenue_subscription_by_plan",
            ),
            Index(fields=["next_step_on"], name="revenue_subscription_next_step"),
            Index(fields=["customer", "amount"], name="revenue_subscription_amounts"),
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
            CheckConstraint(
                condition=Q(state="ended", ended_on__isnull=False)
                | (~Q(state="ended") & Q(ended_on__isnull=True)),
                name="revenue_subscription_ended_has_day",
            ),
            CheckConstraint(
                condition=Q(quantity__gte=1, price__gte=0),
                name="revenue_subscription_price_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan or 'subscription'} of {self.customer}"

    def clean(self) -> None:
        """Show beside its field what the services would reject."""
        wrong = {}
        if self.started_on and is_too_far_ahead(self.started_on, timezone.localdate()):
            wrong["started_on"] = f"{self.started_on} {TOO_FAR_AHEAD}."
        if self.customer_id and self.currency != self.customer.currency:
            wrong["currency"] = f"{self.customer} pays in {self.customer.currency}."
        if self.pk is None:
            wrong |= self._wrong_at_start()
        if wrong:
            raise ValidationError(wrong)

    def _wrong_at_start(self) -> dict[str, str]:
        """What a new subscription cannot be: of a closed customer, or without its list price."""
        wrong = {}
        if self.customer_id and (self.customer.merged_into_id or self.customer.erased_at):
            wrong["customer"] = f"{self.customer} was merged or erased; nothing can be added."
        if (self.price or 0) * (self.quantity or 0) > MAX_FEE:
            wrong["price"] = f"The fee of all units must be at most {MAX_FEE:,}."
        if self.basis == PriceBasis.LIST and self.started_on:
            terms = self.plan, self.currency, self.interval, self.started_on
            if data_hooks.list_price(*terms) is None:
                plan = self.plan or "no plan"
                wrong["basis"] = f"There is no list price of {plan} in {self.currency}."
        return wrong


class SubscriptionChange(AgreedTerms):
    """A subscription's terms from a day on; of one day, the last row is valid.

    A plan period runs from one change to the next. A trial, a coupon and an override end by
    themselves on their day, which is the first day without them.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="changes")
    on = models.DateField()
    is_end = models.BooleanField(default=False)
    coupon = models.CharField(max_length=50, blank=True, help_text="The coupon's code.")
    coupon_percent = models.DecimalField(
        max_digits=7,
        decimal_places=4,
        default=Decimal(0),
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    coupon_amount = AmountField(
        "coupon, an amount",
        default=Decimal(0),
        validators=[MinValueValidator(0)],
        help_text="Off the fee of each interval, at most the fee; instead of a percentage.",
    )
    coupon_until = models.DateField(
        null=True, blank=True, help_text="First day without it; empty: it has no end."
    )
    trial_until = models.DateField(
        null=True, blank=True, help_text="First day after the trial, active from then on."
    )
    price_until = models.DateField(
        "override until", null=True, blank=True, help_text="First day after the override."
    )
    price_after = AmountField(null=True, blank=True, editable=False)
    basis_after = models.CharField(
        max_length=10,
        choices=[(each.value, each.value) for each in PriceBasis],
        default=PriceBasis.LIST.value,
        editable=False,
    )
    note = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=150, blank=True, editable=False)

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
            CheckConstraint(
                condition=Q(is_end=True, state="ended") | (Q(is_end=False) & ~Q(state="ended")),
                name="revenue_subscriptionchange_end_is_a_state",
            ),
            CheckConstraint(
                condition=Q(coupon_percent__gte=0, coupon_percent__lte=100, quantity__gte=1)
                & Q(price__gte=0),
                name="revenue_subscriptionchange_terms_in_range",
            ),
            CheckConstraint(
                condition=Q(coupon_amount=0) | Q(coupon_amount__gt=0, coupon_percent=0),
                name="revenue_subscriptionchange_one_coupon",
                violation_error_message="A coupon is a percentage or an amount, not both.",
            ),
            CheckConstraint(
                condition=~Q(basis="override") | (Q(price_until__isnull=False) & ~Q(note="")),
                name="revenue_subscriptionchange_override_has_reason_and_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{exact_text(self.amount)} from {date_text(self.on)}"

    @property
    def coupon_words(self) -> str:
        """Such as: SPRING, 20%, until 1 May 2026; empty without one."""
        off = exact_text(self.coupon_amount or self.coupon_percent)
        if not self.coupon_amount:
            off = f"{off}%" if self.coupon_percent else ""
        until = f"until {date_text(self.coupon_until)}" if self.coupon_until else ""
        return ", ".join(filter(None, (self.coupon, off, until))) if off else ""

    def terms(self, external_id: str) -> PlanTerms:
        """The row as a plain value; `external_id` is the subscription's."""
        return PlanTerms(
            self.on,
            external_id,
            self.plan,
            self.price,
            SubscriptionState(self.state),
            PriceBasis(self.basis),
            self.interval,
            self.quantity,
            self.coupon_percent,
            self.coupon_until,
            self.trial_until,
            self.price_until,
            self.price_after,
            PriceBasis(self.basis_after),
            self.coupon_amount,
        )

    def clean(self) -> None:
        """Show beside its field what the services would reject."""
        if self.on is None or self.price is None:
            return
        parent = self.subscription
        again = parent.changes.filter(on=self.on).exists()
        if self.on < parent.started_on:
            raise ValidationError({"on": f"Before the start, {parent.started_on}."})
        if self.on > timezone.localdate():
            raise ValidationError({"on": "After today; record it on its day."})
        if self.state == "ended" and self.on < parent.changes.latest("on", "pk").on:
            raise ValidationError({"state": "An end comes after every change."})
        if parent.ended_on and not again:
            raise ValidationError({"on": f"The subscription ended on {parent.ended_on}."})
        if again and not self.note:
            raise ValidationError(
                {"note": f"This adjusts what was recorded for {self.on}; give the reason."}
            )


class ScheduledChange(models.Model):
    """A change, or the end, of a subscription that is agreed ahead and recorded on its day.

    What is empty stays as it is on that day.
    """

    class State(models.TextChoices):
        SCHEDULED = "scheduled"
        RECORDED = "recorded"
        CANCELLED = "cancelled"
        REFUSED = "refused"

    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="scheduled"
    )
    on = models.DateField()
    state = models.CharField(max_length=9, choices=State, default=State.SCHEDULED)
    new_state = models.CharField(
        "state of the subscription",
        max_length=6,
        blank=True,
        choices=[(each, each) for each in ("active", "free", "paused", "ended")],
    )
    plan = models.CharField(max_length=100, blank=True)
    basis = models.CharField(
        "price", max_length=10, blank=True, choices=[(each, each) for each in LASTING_BASES]
    )
    price = AmountField("amount", null=True, blank=True)
    interval = models.CharField(
        max_length=11, blank=True, choices=[(each, each.replace("_", " ")) for each in MONTHS]
    )
    quantity = models.PositiveIntegerField(null=True, blank=True)
    coupon = models.CharField(max_length=50, blank=True)
    coupon_percent = models.DecimalField(max_digits=7, decimal_places=4, null=True, blank=True)
    coupon_amount = AmountField("coupon, an amount", null=True, blank=True)
    coupon_until = models.DateField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was refused.")
    scheduled_at = models.DateTimeField()
    scheduled_by = models.CharField(max_length=150, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-on", "-pk"]
        indexes = [Index(fields=["state", "on"], name="revenue_scheduledchange_due")]
        constraints = [
            UniqueConstraint(
                fields=["subscription", "on"],
                condition=Q(state="scheduled"),
                name="revenue_scheduledchange_one_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.new_state or 'change'} on {date_text(self.on)}"

    @property
    def words(self) -> str:
        """What it changes, such as: plan professional, quantity 3."""
        given = [
            ("", self.new_state),
            ("plan ", self.plan),
            ("", self.basis and f"{self.basis} price"),
            ("amount ", None if self.price is None else exact_text(self.price)),
            ("every ", self.interval.replace("_", " ")),
            ("quantity ", self.quantity),
            ("coupon ", self.coupon),
            ("coupon of ", self.coupon_percent and f"{exact_text(self.coupon_percent)}%"),
            ("coupon of ", self.coupon_amount and exact_text(self.coupon_amount)),
            ("until ", self.coupon_until and date_text(self.coupon_until)),
        ]
        return ", ".join(f"{name}{value}" for name, value in given if value not in (None, ""))


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
    data_import = models.ForeignKey(
        "operations.DataImport",
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The import that recorded it.",
    )

    class Meta:
        ordering = ["-paid_on", "-pk"]
        indexes = [Index(fields=["currency", "paid_on"], name="revenue_payment_by_day")]
        constraints = [
            CheckConstraint(condition=Q(amount__gte=0), name="revenue_payment_amount_not_negative")
        ]

    def __str__(self) -> str:
        return f"{money_text(self.amount, self.currency)} on {date_text(self.paid_on)}"

    def clean(self) -> None:
        """Show beside its field what an import would reject."""
        wrong = {}
        if self.paid_on and self.paid_on > timezone.localdate():
            wrong["paid_on"] = f"{self.paid_on} is after today; record it on its day."
        if self.customer_id and self.currency != self.customer.currency:
            wrong["currency"] = f"{self.customer} pays in {self.customer.currency}."
        if wrong:
            raise ValidationError(wrong)
