"""Channels, spend and revenue by date, total revenue, calendar flags and lift tests."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from aethercrown.db.fields import CurrencyField, MoneyField
from aethercrown.formatting import date_text, money_text
from aethercrown.history.tracking import TrackedHistory


class Channel(models.Model):
    """A marketing channel; every plan keeps to its limits."""

    name = models.CharField(max_length=100, unique=True)
    currency = CurrencyField()
    is_active = models.BooleanField(
        default=True, help_text="Plans divide money over active channels."
    )
    is_held = models.BooleanField(
        "amount fixed",
        default=False,
        help_text="Keeps its present amount; plans move money between the others.",
    )
    floor = MoneyField(null=True, blank=True, help_text="Minimum spend a week.")
    ceiling = MoneyField(null=True, blank=True, help_text="Maximum spend a week.")
    incrementality = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0.0)],
        help_text="Share of the credited revenue that the channel causes, from an experiment.",
    )
    platform_roi = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0)],
        help_text="Revenue per unit of spend that the advertising platform reports, if any.",
    )
    notes = models.TextField(blank=True)
    history = TrackedHistory()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(floor__isnull=True) | Q(floor__gte=0),
                name="marketing_channel_floor_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(ceiling__isnull=True) | Q(ceiling__gte=0),
                name="marketing_channel_ceiling_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(floor__isnull=True)
                | Q(ceiling__isnull=True)
                | Q(floor__lte=F("ceiling")),
                name="marketing_channel_floor_below_ceiling",
            ),
            models.CheckConstraint(
                condition=Q(incrementality__gte=0),
                name="marketing_channel_incrementality_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(platform_roi__isnull=True) | Q(platform_roi__gte=0),
                name="marketing_channel_platform_roi_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.floor is not None and self.ceiling is not None and self.floor > self.ceiling:
            raise ValidationError(
                {"floor": f"The floor of {self.floor} is above the ceiling of {self.ceiling}."}
            )


class CurrentPerformance(models.Manager["Performance"]):
    """The rows in force: of each channel and date the newest revision, without undone imports."""

    def get_queryset(self) -> models.QuerySet["Performance"]:
        stored = Q(data_import=None) | Q(data_import__state="current")
        newer = Performance.revisions.filter(
            stored,
            channel=models.OuterRef("channel"),
            date=models.OuterRef("date"),
            revision__gt=models.OuterRef("revision"),
        )
        return super().get_queryset().filter(stored).exclude(models.Exists(newer))


class Performance(models.Model):
    """Spend and, where known, revenue of one channel on a day, or in the week that starts then.

    An import adds rows of its own revision, which are in force once it is stored; undoing it puts
    those before it in force again. A row that people enter or change has a revision after them.
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="performance")
    date = models.DateField()
    spend = MoneyField()
    revenue = MoneyField(
        null=True, blank=True, help_text="Empty where only the company's total is known."
    )
    currency = CurrencyField()
    data_import = models.ForeignKey(
        "operations.DataImport", on_delete=models.PROTECT, null=True, editable=False
    )
    revision = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="The highest of a channel and date is in force."
    )

    objects = CurrentPerformance()
    revisions: models.Manager["Performance"] = models.Manager()

    class Meta:
        ordering = ["-date", "channel"]
        verbose_name_plural = "performance"
        base_manager_name = "revisions"
        indexes = [models.Index(fields=["date"], name="marketing_performance_date")]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "date", "revision"],
                name="marketing_performance_one_row_a_revision",
            ),
            models.CheckConstraint(
                condition=Q(spend__gte=0), name="marketing_performance_spend_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(revenue__isnull=True) | Q(revenue__gte=0),
                name="marketing_performance_revenue_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}, {date_text(self.date)}"


class TotalRevenue(models.Model):
    """The company's total revenue on a date, used where revenue by channel is not known."""

    date = models.DateField()
    amount = MoneyField()
    currency = CurrencyField()

    class Meta:
        ordering = ["-date"]
        verbose_name_plural = "total revenue"
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "date"], name="marketing_totalrevenue_one_row_a_date"
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="marketing_totalrevenue_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{date_text(self.date)}: {money_text(self.amount, self.currency)}"


class CalendarFlag(models.Model):
    """An event that moves total revenue on a date, such as a holiday or a price cut."""

    name = models.CharField(max_length=100)
    date = models.DateField()
    value = models.FloatField(default=1.0, help_text="1, or the strength of the event.")

    class Meta:
        ordering = ["-date", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "date"], name="marketing_calendarflag_one_row_a_date"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}, {date_text(self.date)}"


class LiftTest(models.Model):
    """An experiment: spend a week in a channel, and the revenue a week that it caused."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="lift_tests")
    starts_on = models.DateField()
    ends_on = models.DateField()
    spend = MoneyField(
        validators=[MinValueValidator(Decimal("0.01"))], help_text="Spend a week under test."
    )
    revenue = MoneyField(help_text="Revenue a week that this spend caused.")
    standard_error = MoneyField(
        validators=[MinValueValidator(Decimal("0.01"))], help_text="Of that revenue."
    )
    notes = models.TextField(blank=True)

    class Meta:
        ordering = ["-ends_on"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "starts_on"], name="marketing_lifttest_one_a_start"
            ),
            models.CheckConstraint(
                condition=Q(starts_on__lte=F("ends_on")), name="marketing_lifttest_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(spend__gt=0, revenue__gte=0, standard_error__gt=0),
                name="marketing_lifttest_amounts_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}, {date_text(self.starts_on)}"

    def clean(self) -> None:
        if self.starts_on and self.ends_on and self.starts_on > self.ends_on:
            raise ValidationError({"ends_on": "The test ends before it starts."})
