"""Issuers, tax rates, customers' billing details, number series and the documents."""

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint
from django.db.models.functions import Round

from aethercrown.db.fields import CurrencyField
from aethercrown.formatting import exact_text
from aethercrown.history.tracking import TrackedHistory
from revenue.documents.document import DocumentState, TaxedCustomer

MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 3}
COUNTRY: dict[str, Any] = {
    "max_length": 2,
    "validators": [RegexValidator(r"^[A-Z]{2}\Z", "An ISO 3166 code such as DE.")],
}


class InvoiceIssuer(models.Model):
    """A company that issues invoices; the default one unless a customer has another."""

    name = models.CharField(max_length=200, unique=True)
    address = models.TextField(max_length=500)
    country = models.CharField(**COUNTRY)
    tax_id = models.CharField("tax number", max_length=50, blank=True)
    payment_details = models.TextField(
        max_length=500, blank=True, help_text="Such as bank, IBAN and BIC; printed on invoices."
    )
    number_prefix = models.CharField(
        max_length=10,
        blank=True,
        validators=[RegexValidator(r"^[A-Z0-9-]*\Z", "Capital letters, digits and hyphens.")],
        help_text="Numbers are prefix, year and a count: INV-2026-000001.",
    )
    payment_days = models.PositiveIntegerField(
        default=14, validators=[MaxValueValidator(365)], help_text="Days until it is due."
    )
    retention_years = models.PositiveIntegerField(
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(30)],
        help_text="Full years after that of issue in which the law wants documents kept; an "
        "erasure spares them as long.",
    )
    mails_invoices = models.BooleanField(
        default=False,
        help_text="Mail each new invoice and credit note as PDF to the customer's contacts with "
        "the role finance, else owner.",
    )
    is_default = models.BooleanField("default", default=False)
    history = TrackedHistory()

    class Meta:
        ordering = ["name"]
        constraints = [
            UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="revenue_invoiceissuer_one_default",
            ),
            UniqueConstraint(fields=["number_prefix"], name="revenue_invoiceissuer_own_prefix"),
        ]

    def __str__(self) -> str:
        return self.name


class TaxRate(models.Model):
    """The tax on what an issuer sells to customers of a country, from a day on."""

    issuer = models.ForeignKey(InvoiceIssuer, on_delete=models.PROTECT, related_name="tax_rates")
    country = models.CharField(
        **COUNTRY, blank=True, help_text="Of the customer; empty: every other country."
    )
    customers = models.CharField(
        max_length=14,
        choices=[
            (TaxedCustomer.ALL.value, "all"),
            (TaxedCustomer.WITH_TAX_ID.value, "with a tax number"),
        ],
        default=TaxedCustomer.ALL.value,
    )
    title = models.CharField(max_length=50, help_text="Such as VAT.")
    percent = models.DecimalField(
        max_digits=7,
        decimal_places=4,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    note = models.CharField(
        max_length=300,
        blank=True,
        help_text="Printed below the tax, such as: Reverse charge, the customer owes the tax.",
    )
    effective_from = models.DateField()
    history = TrackedHistory()

    class Meta:
        ordering = ["issuer", "country", "-effective_from"]
        constraints = [
            UniqueConstraint(
                fields=["issuer", "country", "customers", "effective_from"],
                name="revenue_taxrate_one_a_day",
            ),
            CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=100),
                name="revenue_taxrate_percent_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} of {exact_text(self.percent)}%, {self.country or 'elsewhere'}"


class ReminderStep(models.Model):
    """When an issuer reminds of an unpaid invoice; each step once."""

    issuer = models.ForeignKey(
        InvoiceIssuer, on_delete=models.CASCADE, related_name="reminder_steps"
    )
    days = models.PositiveSmallIntegerField(
        "days after the due day",
        validators=[MinValueValidator(1), MaxValueValidator(365)],
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["issuer", "days"]
        constraints = [
            UniqueConstraint(fields=["issuer", "days"], name="revenue_reminderstep_one_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.days} days after the due day"


class BillingDetails(models.Model):
    """Who a customer's invoices are addressed to."""

    customer = models.OneToOneField(
        "revenue.Customer", on_delete=models.CASCADE, related_name="billing_details"
    )
    name = models.CharField(max_length=200, help_text="The legal name.")
    address = models.TextField(max_length=500)
    country = models.CharField(**COUNTRY)
    tax_id = models.CharField("tax number", max_length=50, blank=True)
    issuer = models.ForeignKey(
        InvoiceIssuer,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="customers",
        help_text="Empty: the default one.",
    )

    class Meta:
        verbose_name_plural = "billing details"
        ordering = ["customer"]

    def __str__(self) -> str:
        return f"Billing details of {self.customer}"


class NumberSeries(models.Model):
    """The last number that an issuer gave in a year; its row is locked while one is given."""

    issuer = models.ForeignKey(InvoiceIssuer, on_delete=models.PROTECT, related_name="series")
    year = models.PositiveIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "number series"
        ordering = ["issuer", "-year"]
        constraints = [
            UniqueConstraint(fields=["issuer", "year"], name="revenue_numberseries_one_a_year")
        ]

    def __str__(self) -> str:
        return f"{self.issuer}, {self.year}: {self.last}"


class InvoiceDocument(models.Model):
    """An invoice or a credit note as it was sent; only its payment changes."""

    issuer = models.ForeignKey(InvoiceIssuer, on_delete=models.PROTECT, related_name="documents")
    year = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    number = models.CharField(max_length=30, unique=True)
    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.PROTECT, related_name="documents"
    )
    invoice = models.OneToOneField(
        "revenue.Invoice", null=True, on_delete=models.PROTECT, related_name="document"
    )
    credit_note = models.OneToOneField(
        "revenue.CreditNote", null=True, on_delete=models.PROTECT, related_name="document"
    )
    issued_on = models.DateField()
    due_on = models.DateField(null=True, help_text="A credit note is not due.")
    currency = CurrencyField()
    net = models.DecimalField(**MONEY)
    tax = models.DecimalField(**MONEY)
    gross = models.DecimalField(**MONEY)
    content = models.JSONField(
        null=True,
        encoder=DjangoJSONEncoder,
        help_text="All that is printed; nothing once the legal term of an erased customer is over.",
    )
    retain_until = models.DateField(help_text="The last day of the legal term.")
    state = models.CharField(
        max_length=11,
        choices=[(each.value, each.value.replace("_", " ")) for each in DocumentState],
    )
    paid_on = models.DateField(null=True)
    payment_note = models.CharField(max_length=200, blank=True)
    changed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-issued_on", "-pk"]
        indexes = [Index(fields=["state", "due_on"], name="revenue_invoicedocument_due")]
        constraints = [
            UniqueConstraint(
                fields=["issuer", "year", "count"], name="revenue_invoicedocument_one_a_number"
            ),
            CheckConstraint(
                condition=Q(invoice__isnull=True, credit_note__isnull=False, gross__lte=0)
                | Q(invoice__isnull=False, credit_note__isnull=True, gross__gte=0),
                name="revenue_invoicedocument_of_one",
            ),
            CheckConstraint(  # SQLite adds decimals as floats
                condition=Q(gross=Round(F("net") + F("tax"), 3)),
                name="revenue_invoicedocument_adds_up",
            ),
            CheckConstraint(
                condition=Q(state="paid", paid_on__isnull=False)
                | (~Q(state="paid") & Q(paid_on__isnull=True)),
                name="revenue_invoicedocument_paid_has_day",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class PaymentReminder(models.Model):
    """A reminder step that was taken for an invoice."""

    document = models.ForeignKey(
        InvoiceDocument, on_delete=models.CASCADE, related_name="reminders"
    )
    days = models.PositiveSmallIntegerField(help_text="After the due day, as the step says.")
    queued_at = models.DateTimeField()

    class Meta:
        ordering = ["document", "days"]
        constraints = [
            UniqueConstraint(
                fields=["document", "days"], name="revenue_paymentreminder_once_a_step"
            )
        ]

    def __str__(self) -> str:
        return f"Reminder of {self.document}, {self.days} days after its due day"
