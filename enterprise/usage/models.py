"""Metrics, events with their rollups, limits as versions, alerts, adjustments and backfills."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from aethercrown import severity
from aethercrown.db.fields import AmountField
from aethercrown.formatting import date_text, exact_text, moment_text
from aethercrown.history.tracking import TrackedHistory
from enterprise.usage.metering.metric_kinds import (
    GAUGE_AGGREGATIONS,
    MetricAggregation,
    MetricKind,
)

ID_CHARACTERS = 100
CUSTOMER, METRIC = "revenue.Customer", "enterprise.UsageMetric"
SEVERITIES = [(each, each) for each in (severity.WARNING, severity.CRITICAL)]


def client_key(**options: Any) -> Any:
    """A foreign key to the client whose use it is."""
    return models.ForeignKey(CUSTOMER, on_delete=models.PROTECT, related_name="+", **options)


def metric_key(**options: Any) -> Any:
    return models.ForeignKey(METRIC, on_delete=models.PROTECT, related_name="+", **options)


class UsagePolicy(models.Model):
    """What is accepted and how long events are kept; there is one row."""

    accept_unknown_metrics = models.BooleanField(
        default=True, help_text="An unknown metric becomes a counter that staff confirm."
    )
    accept_unknown_clients = models.BooleanField(
        default=True, help_text="An unknown client_id becomes a customer."
    )
    raw_months = models.PositiveSmallIntegerField(
        "months of events",
        default=13,
        validators=[MinValueValidator(2), MaxValueValidator(120)],
        help_text="Older events are deleted once their hours are verified; rollups stay.",
    )
    history = TrackedHistory()

    class Meta:
        verbose_name = "usage policy"
        verbose_name_plural = "usage policy"
        constraints = [CheckConstraint(condition=Q(pk=1), name="enterprise_usagepolicy_one_row")]

    def __str__(self) -> str:
        return "Usage policy"


class UsageMetric(models.Model):
    """A metric, and how its events of a period make one figure."""

    code = models.CharField(max_length=ID_CHARACTERS, unique=True, help_text="Such as api_calls.")
    title = models.CharField(max_length=100, blank=True)
    unit = models.CharField(max_length=30, blank=True)
    kind = models.CharField(
        max_length=7,
        choices=[
            (MetricKind.COUNTER.value, "counter: quantities add up in a period"),
            (MetricKind.GAUGE.value, "gauge: the last reading is valid"),
        ],
        default=MetricKind.COUNTER.value,
    )
    aggregation = models.CharField(
        max_length=13,
        choices=[
            (MetricAggregation.SUM.value, "sum of the quantities"),
            (MetricAggregation.COUNT.value, "count of the events"),
            (MetricAggregation.MAX.value, "max: the largest quantity"),
            (MetricAggregation.UNIQUE.value, "unique: how many different values"),
            (MetricAggregation.LAST.value, "last reading, of a gauge"),
            (MetricAggregation.TIME_WEIGHTED.value, "average over time, of a gauge"),
        ],
        default=MetricAggregation.SUM.value,
    )
    is_confirmed = models.BooleanField(
        "confirmed", default=False, help_text="Staff have looked at what it is."
    )
    created_at = models.DateTimeField(editable=False)
    history = TrackedHistory()

    class Meta:
        ordering = ["code"]
        constraints = [
            CheckConstraint(condition=~Q(code=""), name="enterprise_usagemetric_has_code"),
            CheckConstraint(
                condition=Q(kind="gauge", aggregation__in=["last", "time_weighted"])
                | (Q(kind="counter") & ~Q(aggregation__in=["last", "time_weighted"])),
                name="enterprise_usagemetric_aggregation_is_of_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.code

    def clean(self) -> None:
        """Say beside the field what the constraint refuses."""
        if (self.kind == MetricKind.GAUGE) != (self.aggregation in GAUGE_AGGREGATIONS):
            message = (
                "A gauge takes its last reading or the average over time; a counter the sum, "
                "count, max or unique."
            )
            raise ValidationError({"aggregation": message})


class UsageThreshold(models.Model):
    """A percent of a limit that alerts; a client's rows replace the metric's, those the default."""

    metric = models.ForeignKey(UsageMetric, on_delete=models.CASCADE, related_name="thresholds")
    customer = models.ForeignKey(
        CUSTOMER,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Empty: every client without thresholds of its own for the metric.",
    )
    percent = models.DecimalField(
        max_digits=7,
        decimal_places=3,
        validators=[MinValueValidator(Decimal("0.001")), MaxValueValidator(1000)],
    )
    severity = models.CharField(max_length=8, choices=SEVERITIES, default=severity.WARNING)
    history = TrackedHistory()

    class Meta:
        ordering = ["metric", "customer", "percent"]
        constraints = [
            UniqueConstraint(
                fields=["metric", "customer", "percent"],
                name="enterprise_usagethreshold_one_a_client",
            ),
            UniqueConstraint(
                fields=["metric", "percent"],
                condition=Q(customer__isnull=True),
                name="enterprise_usagethreshold_one_a_metric",
            ),
            CheckConstraint(
                condition=Q(percent__gt=0), name="enterprise_usagethreshold_above_zero"
            ),
        ]

    def __str__(self) -> str:
        return f"{exact_text(self.percent)}% of {self.metric}: {self.severity}"


class UsageLimit(models.Model):
    """A client's limit of a metric from a moment on; rows are added, never changed.

    The row in force is the latest by `valid_from`, then by number; its number is the version that
    alerts name.
    """

    class Source(models.TextChoices):
        API = "api", "the API"
        STAFF = "staff", "staff"
        PLAN = "plan", "the client's plan"

    customer = client_key()
    metric = metric_key()
    quantity = AmountField("limit", validators=[MinValueValidator(0)])
    valid_from = models.DateTimeField()
    source = models.CharField(max_length=5, choices=Source, default=Source.STAFF)
    recorded_by = models.CharField(max_length=200, blank=True, editable=False)
    recorded_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ["-valid_from", "-pk"]
        indexes = [
            Index(
                fields=["customer", "metric", "valid_from"], name="enterprise_usagelimit_in_force"
            )
        ]
        constraints = [
            CheckConstraint(condition=Q(quantity__gte=0), name="enterprise_usagelimit_not_negative")
        ]

    def __str__(self) -> str:
        return f"{exact_text(Decimal(self.quantity))} {self.metric}"


class ClientMetric(models.Model):
    """A metric that a client uses: the row to lock before writing, and the state of its alerts."""

    customer = client_key()
    metric = metric_key()
    last_at = models.DateTimeField(help_text="The time of the newest event.")
    last_received_at = models.DateTimeField()
    period_start = models.DateField(null=True, help_text="Of the figures below; empty for gauges.")
    used = AmountField(null=True, help_text="At the last evaluation.")
    limit = AmountField(null=True)
    limit_version = models.ForeignKey(
        UsageLimit, null=True, on_delete=models.PROTECT, related_name="+"
    )
    armings = models.JSONField(default=dict, help_text="By threshold of a gauge, its alerts.")
    open_alerts = models.JSONField(default=list, help_text="Thresholds with an unresolved alert.")
    evaluated_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["customer", "metric"]
        constraints = [
            UniqueConstraint(fields=["customer", "metric"], name="enterprise_clientmetric_once")
        ]

    def __str__(self) -> str:
        return f"{self.metric} of {self.customer}"


class UsageReading(models.Model):
    """The value of a metric so far in its period, as a client's system reported it."""

    customer = client_key()
    metric = metric_key()
    recorded_at = models.DateTimeField()
    value = AmountField()
    is_reset = models.BooleanField("reset", default=False)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-recorded_at", "-pk"]
        constraints = [
            UniqueConstraint(
                fields=["customer", "metric", "recorded_at"], name="enterprise_usagereading_once"
            )
        ]

    def __str__(self) -> str:
        return f"{exact_text(Decimal(self.value))} {self.metric}, {moment_text(self.recorded_at)}"


class EventKey(models.Model):
    """The identity of an accepted event: digests of source and id, and of its content.

    Apart from the events: a unique key of a partitioned table must hold the time, so that an id
    sent again with another time would pass.
    """

    key = models.UUIDField(primary_key=True)
    content = models.BigIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.key)


class UsageEvent(models.Model):
    """An accepted event. On PostgreSQL the table is partitioned by the month of `occurred_at`."""

    customer = client_key(db_constraint=False, db_index=False)
    metric = metric_key(db_constraint=False, db_index=False)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    quantity = AmountField()
    source = models.CharField(max_length=ID_CHARACTERS)
    event_id = models.CharField(max_length=ID_CHARACTERS)
    corrects = models.CharField(max_length=ID_CHARACTERS, blank=True)
    value = models.CharField(
        max_length=ID_CHARACTERS, blank=True, help_text="What a unique metric counts once."
    )
    day = models.DateField(
        null=True, help_text="In which it counts; empty for the day by the client's time zone."
    )
    counts = models.SmallIntegerField(
        default=1, help_text="1; of a correction 0, of a row that voids another -1."
    )
    is_late = models.BooleanField("late", default=False)
    possible_duplicate = models.BooleanField(default=False)
    backfill = models.ForeignKey(
        "enterprise.UsageBackfill",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        ordering = ["-occurred_at", "-pk"]
        indexes = [
            Index(fields=["event_id"], name="enterprise_usageevent_by_id"),
            Index(
                fields=["corrects"],
                condition=~Q(corrects=""),
                name="enterprise_usageevent_corrects",
            ),
            Index(
                fields=["customer", "metric", "occurred_at"], name="enterprise_usageevent_by_time"
            ),
        ]

    def __str__(self) -> str:
        return self.event_id


class Rollup(models.Model):
    """The events of a client and metric in a span of time, kept in their transaction.

    Only the service writes it, of clients and metrics whose rows it has locked: constraints would
    look each of them up again for every row.
    """

    customer = client_key(db_constraint=False, db_index=False)
    metric = metric_key(db_constraint=False, db_index=False)
    count = models.BigIntegerField()
    quantity = AmountField()
    most = AmountField(help_text="The largest quantity.")
    last = AmountField(help_text="The quantity of the event with the latest time.")
    last_at = models.DateTimeField()

    class Meta:
        abstract = True


class UsageHour(Rollup):
    """An hour in UTC."""

    hour = models.DateTimeField()

    class Meta:
        ordering = ["-hour", "customer", "metric"]
        indexes = [Index(fields=["hour"], name="enterprise_usagehour_by_hour")]
        constraints = [
            UniqueConstraint(
                fields=["customer", "metric", "hour"], name="enterprise_usagehour_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric}, {moment_text(self.hour)}"


class UsageDay(Rollup):
    """A day in the client's time zone."""

    day = models.DateField()
    is_booked = models.BooleanField(
        "booked", default=False, help_text="Billing has this day's total."
    )
    average = AmountField(null=True, help_text="Over the day's time, of a time-weighted gauge.")

    class Meta:
        ordering = ["-day", "customer", "metric"]
        indexes = [
            Index(fields=["metric", "day"], name="enterprise_usageday_by_metric"),
            Index(fields=["day"], condition=Q(is_booked=False), name="enterprise_usageday_to_book"),
        ]
        constraints = [
            UniqueConstraint(fields=["customer", "metric", "day"], name="enterprise_usageday_once")
        ]

    def __str__(self) -> str:
        return f"{self.metric}, {date_text(self.day)}"


class UsageValue(models.Model):
    """A value that a unique metric counts, on a day; `count` is how many events have it."""

    customer = client_key(db_constraint=False, db_index=False)
    metric = metric_key(db_constraint=False, db_index=False)
    day = models.DateField()
    value = models.UUIDField(help_text="A digest of the value.")
    count = models.BigIntegerField()

    class Meta:
        ordering = ["-day", "customer", "metric"]
        constraints = [
            UniqueConstraint(
                fields=["customer", "metric", "day", "value"], name="enterprise_usagevalue_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.metric}, {date_text(self.day)}"


class UsageAdjustment(models.Model):
    """Use that came after its billing period had ended; it stands in the open period."""

    customer = client_key()
    metric = metric_key()
    period_start = models.DateField(help_text="Of the closed period, to which the use belongs.")
    open_period_start = models.DateField(help_text="Of the period in which it came.")
    count = models.IntegerField()
    quantity = AmountField()
    recorded_at = models.DateTimeField()
    backfill = models.ForeignKey(
        "enterprise.UsageBackfill", null=True, on_delete=models.PROTECT, related_name="adjustments"
    )

    class Meta:
        ordering = ["-recorded_at", "-pk"]
        indexes = [Index(fields=["customer", "recorded_at"], name="enterprise_usageadjustment_new")]

    def __str__(self) -> str:
        return f"{exact_text(Decimal(self.quantity))} {self.metric}"


class RefusedEvent(models.Model):
    """An event that was rejected, or whose id was taken by another; kept a week."""

    class Status(models.TextChoices):
        REJECTED = "rejected"
        CONFLICT = "conflict"

    received_at = models.DateTimeField(db_index=True)
    source = models.CharField(max_length=ID_CHARACTERS)
    event_id = models.CharField(max_length=ID_CHARACTERS, blank=True, db_index=True)
    client_id = models.CharField(max_length=ID_CHARACTERS, blank=True)
    customer = client_key(null=True)
    status = models.CharField(max_length=8, choices=Status)
    reason = models.CharField(max_length=300)
    content = models.JSONField(
        encoder=DjangoJSONEncoder, help_text="As it came, with secrets masked."
    )

    class Meta:
        ordering = ["-received_at", "-pk"]

    def __str__(self) -> str:
        return self.event_id or f"refused event {self.pk}"


class DirtyClient(models.Model):
    """A client whose use changed since its thresholds were last evaluated."""

    customer = models.OneToOneField(
        CUSTOMER, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    since = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.customer}"


class UsageAlert(models.Model):
    """A threshold that was crossed, once for each period and version of the limit."""

    customer = client_key()
    metric = metric_key()
    period_start = models.DateField(null=True, help_text="Empty for gauges.")
    percent = models.DecimalField("threshold", max_digits=7, decimal_places=3)
    limit_version = models.ForeignKey(UsageLimit, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(default=0, help_text="Of a gauge's alerts.")
    severity = models.CharField(max_length=8, choices=SEVERITIES)
    used = AmountField()
    limit = AmountField()
    raised_at = models.DateTimeField()

    class Meta:
        ordering = ["-raised_at", "-pk"]
        constraints = [
            UniqueConstraint(
                fields=["customer", "metric", "period_start", "percent", "limit_version"],
                condition=Q(period_start__isnull=False),
                name="enterprise_usagealert_once_a_period",
            ),
            UniqueConstraint(
                fields=["customer", "metric", "percent", "number"],
                condition=Q(period_start__isnull=True),
                name="enterprise_usagealert_once_a_crossing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} of {self.customer} at {exact_text(self.percent)}%"


class UsageBackfill(models.Model):
    """Older use that a person previewed, applied or reverted."""

    class State(models.TextChoices):
        PREVIEWED = "previewed"
        APPLIED = "applied"
        REVERTED = "reverted"

    class Mode(models.TextChoices):
        ADD = "add", "add to what is stored"
        REPLACE = "replace", "replace what is stored in the range"

    state = models.CharField(max_length=9, choices=State, default=State.PREVIEWED)
    mode = models.CharField(max_length=7, choices=Mode)
    customer = client_key(null=True)
    metric = metric_key(null=True)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True, help_text="The first moment after the range.")
    events = models.JSONField(encoder=DjangoJSONEncoder, help_text="The input.")
    preview = models.JSONField(encoder=DjangoJSONEncoder, help_text="What was shown before.")
    digest = models.CharField(max_length=64, help_text="Of the input and the rollups it touches.")
    stored = models.PositiveIntegerField(default=0, help_text="Rows that applying it stored.")
    previewed_at = models.DateTimeField()
    previewed_by = models.CharField(max_length=200)
    applied_at = models.DateTimeField(null=True)
    applied_by = models.CharField(max_length=200, blank=True)
    reverted_at = models.DateTimeField(null=True)
    reverted_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-previewed_at", "-pk"]
        constraints = [
            CheckConstraint(
                condition=Q(mode="add")
                | Q(
                    customer__isnull=False,
                    metric__isnull=False,
                    starts_at__isnull=False,
                    ends_at__isnull=False,
                ),
                name="enterprise_usagebackfill_replace_has_range",
            ),
            CheckConstraint(
                condition=Q(state="previewed") | Q(applied_at__isnull=False),
                name="enterprise_usagebackfill_applied_has_time",
            ),
            CheckConstraint(
                condition=~Q(state="reverted") | Q(reverted_at__isnull=False),
                name="enterprise_usagebackfill_reverted_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Backfill {self.pk}"


class RollupCheck(models.Model):
    """A comparison of hours with their events, and what differed."""

    checked_at = models.DateTimeField()
    hours = models.PositiveIntegerField(help_text="Hours compared.")
    differences = models.PositiveIntegerField()
    listed = models.JSONField(default=list, help_text="The first differences.")

    class Meta:
        ordering = ["-checked_at", "-pk"]

    def __str__(self) -> str:
        return f"Check of {moment_text(self.checked_at)}"
