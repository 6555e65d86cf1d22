"""Calendars, tiers and their rules, what customers are promised, and the clocks that measure it."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from aethercrown.db.fields import CurrencyField
from aethercrown.formatting import date_text, exact_text
from aethercrown.history.tracking import TrackedHistory
from aethercrown.severity import LEVELS
from enterprise.sla import business_time, tier_rules
from enterprise.sla.business_time import BusinessHours, OpenInterval

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAX_HOURS = 10_000  # of a target: five working years
NAME = RegexValidator(r"^[a-z0-9][a-z0-9_/-]*\Z", "Small letters, digits, _, / and -.")


class VersionState(models.TextChoices):
    """Only a draft can be edited; the latest published version is in force."""

    DRAFT = "draft"
    PUBLISHED = "published"


class FrozenVersion(ValueError):
    """A published version cannot be changed: copy it to a draft."""


def valid_intervals(text: str) -> None:
    try:
        business_time.read_intervals(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def hours_field(**options: Any) -> "models.CharField[str, str]":
    return models.CharField(max_length=200, blank=True, validators=[valid_intervals], **options)


class ClockKind(models.TextChoices):
    """What a clock measures."""

    RESPONSE = "response"
    RESOLUTION = "resolution"
    STEP = "step"


class BusinessCalendar(models.Model):
    """Support hours under a name, such as business_hours; its versions hold the hours."""

    name = models.CharField(max_length=50, unique=True, validators=[NAME])
    title = models.CharField(max_length=100)
    history = TrackedHistory()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title


class CalendarVersion(models.Model):
    """Open hours by weekday and on single days; published, it never changes."""

    calendar = models.ForeignKey(
        BusinessCalendar, on_delete=models.CASCADE, related_name="versions"
    )
    number = models.PositiveIntegerField(editable=False)
    state = models.CharField(
        max_length=9, choices=VersionState, default=VersionState.DRAFT, editable=False
    )
    zone = models.CharField(
        max_length=64,
        blank=True,
        help_text="A time zone such as Europe/Berlin. Empty: the customer's.",
    )
    monday = hours_field(help_text="Such as 09:00-12:30, 13:30-18:00. Empty: closed.")
    tuesday = hours_field()
    wednesday = hours_field()
    thursday = hours_field()
    friday = hours_field()
    saturday = hours_field()
    sunday = hours_field()
    country = models.CharField(
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}\Z", "An ISO 3166 code such as DE.")],
        help_text="Closed on the public holidays of this country. Empty: only on the days below.",
    )
    subdivision = models.CharField(
        max_length=10, blank=True, help_text="A part of the country, such as BY."
    )
    published_at = models.DateTimeField(null=True, editable=False)
    history = TrackedHistory()

    class Meta:
        ordering = ["calendar", "-number"]
        constraints = [
            UniqueConstraint(
                fields=["calendar", "number"], name="enterprise_calendarversion_number"
            ),
            UniqueConstraint(
                fields=["calendar"],
                condition=Q(state="draft"),
                name="enterprise_calendarversion_one_draft",
            ),
            CheckConstraint(
                condition=Q(state="draft") | Q(published_at__isnull=False),
                name="enterprise_calendarversion_published_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.calendar}, version {self.number}"

    def clean(self) -> None:
        """The whole week, the zone and the country are checked as they will be used."""
        try:
            self.business_hours("UTC")
            if self.country:
                business_time.holidays_of(self.country, self.subdivision, 2027)
        except ValueError as error:
            raise ValidationError(str(error)) from error
        if self.zone and not business_time.is_zone(self.zone):
            raise ValidationError({"zone": f"{self.zone!r} is not a time zone."})

    def business_hours(self, zone: str) -> BusinessHours:
        """The hours for arithmetic, in the calendar's own zone or else in `zone`."""
        weekly = tuple(business_time.read_intervals(getattr(self, day)) for day in DAYS)
        special: dict[date, tuple[OpenInterval, ...]] = {}
        if self.pk:
            special = {
                each.day: business_time.read_intervals(each.hours) for each in self.days.all()
            }
        return BusinessHours(self.zone or zone, weekly, special, self.country, self.subdivision)


class CalendarDay(models.Model):
    """A day of a calendar version with hours of its own, or closed."""

    version = models.ForeignKey(CalendarVersion, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    name = models.CharField(max_length=100, blank=True)
    hours = hours_field(help_text="Empty: closed the whole day.")
    history = TrackedHistory()

    class Meta:
        ordering = ["day"]
        constraints = [
            UniqueConstraint(fields=["version", "day"], name="enterprise_calendarday_once"),
        ]

    def __str__(self) -> str:
        return f"{date_text(self.day)} {self.name}".strip()


class SlaTier(models.Model):
    """What customers of a tier are promised, and the resources that they get."""

    code = models.CharField(max_length=50, unique=True, validators=[NAME])
    position = models.PositiveIntegerField(default=0, help_text="The highest tier comes last.")
    response_hours = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_HOURS)],
        help_text="Counted in the support hours: 24 hours of an 8-hour day are 3 business days.",
    )
    uptime_percent = models.DecimalField(
        max_digits=6, decimal_places=3, validators=[MinValueValidator(0), MaxValueValidator(100)]
    )
    has_dedicated_support = models.BooleanField("dedicated support", default=False)
    has_custom_integration = models.BooleanField("custom integration", default=False)
    support_hours = models.ForeignKey(BusinessCalendar, on_delete=models.PROTECT, related_name="+")
    api_rate_limit = models.PositiveIntegerField()
    storage_gb = models.PositiveIntegerField()
    compute_units = models.PositiveIntegerField()
    history = TrackedHistory()

    class Meta:
        ordering = ["position", "code"]
        verbose_name = "SLA tier"
        constraints = [
            CheckConstraint(
                condition=Q(uptime_percent__gte=0, uptime_percent__lte=100),
                name="enterprise_slatier_uptime_is_a_percentage",
            ),
            CheckConstraint(
                condition=Q(response_hours__gte=1, response_hours__lte=MAX_HOURS),
                name="enterprise_slatier_response_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def terms(self) -> dict[str, Any]:
        """The promise and the resources as they are pinned to a flow or a customer."""
        extras = {
            "dedicated_support": self.has_dedicated_support,
            "custom_integration": self.has_custom_integration,
        }
        return {
            "tier": self.code,
            "response_hours": self.response_hours,
            "uptime_percent": float(self.uptime_percent),
            "extras": [name for name, is_included in extras.items() if is_included],
            "support_hours": self.support_hours.name,
            "api_rate_limit": self.api_rate_limit,
            "storage_gb": self.storage_gb,
            "compute_units": self.compute_units,
        }


class TierRuleSet(models.Model):
    """Ordered rules that choose a tier; the latest published set is in force."""

    number = models.PositiveIntegerField(unique=True, editable=False)
    state = models.CharField(
        max_length=9, choices=VersionState, default=VersionState.DRAFT, editable=False
    )
    currency = CurrencyField(help_text="Of the revenue in the rules.")
    note = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField(null=True, editable=False)
    history = TrackedHistory()

    class Meta:
        ordering = ["-number"]
        constraints = [
            UniqueConstraint(
                fields=["state"],
                condition=Q(state="draft"),
                name="enterprise_tierruleset_one_draft",
            ),
        ]

    def __str__(self) -> str:
        return f"Tier rules, version {self.number}"

    @property
    def rule_set(self) -> tier_rules.RuleSet:
        rules = [each.rule for each in self.rules.all()]
        rates = {each.currency: each.rate for each in self.rates.all()}
        return tier_rules.RuleSet(tuple(rules), self.currency, rates)


def valid_conditions(rows: object) -> None:
    try:
        tier_rules.read_conditions(rows)
    except ValueError as error:
        raise ValidationError(str(error)) from error


class TierRule(models.Model):
    """One rule: a tier for companies that meet any or all of its conditions."""

    rule_set = models.ForeignKey(TierRuleSet, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveIntegerField(help_text="The first rule that matches wins.")
    tier = models.ForeignKey(SlaTier, on_delete=models.PROTECT, related_name="+")
    join = models.CharField(
        max_length=3,
        choices=[(tier_rules.ANY, "any condition"), (tier_rules.ALL, "all conditions")],
        default=tier_rules.ANY,
    )
    conditions = models.JSONField(
        default=list,
        blank=True,
        validators=[valid_conditions],
        help_text='Such as [{"field": "employees", "operator": ">", "value": 1000}]; fields are '
        "employees and annual_revenue. Empty: for everyone.",
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["position"]
        constraints = [
            UniqueConstraint(fields=["rule_set", "position"], name="enterprise_tierrule_position"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.tier}"

    @property
    def rule(self) -> tier_rules.SizeRule:
        found = tier_rules.read_conditions(self.conditions)
        return tier_rules.SizeRule(self.tier.code, self.join, found)


class RuleCurrencyRate(models.Model):
    """What one unit of another currency is in the currency of the rules."""

    rule_set = models.ForeignKey(TierRuleSet, on_delete=models.CASCADE, related_name="rates")
    currency = CurrencyField()
    rate = models.DecimalField(
        max_digits=18, decimal_places=8, validators=[MinValueValidator(Decimal("0.00000001"))]
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["currency"]
        constraints = [
            UniqueConstraint(fields=["rule_set", "currency"], name="enterprise_rulerate_currency"),
            CheckConstraint(condition=Q(rate__gt=0), name="enterprise_rulerate_above_zero"),
        ]

    def __str__(self) -> str:
        return f"1 {self.currency} = {exact_text(self.rate)}"


class TierOverride(models.Model):
    """A tier that staff give a customer in place of the rules, for a reason and until a time."""

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.CASCADE, related_name="tier_overrides"
    )
    tier = models.ForeignKey(SlaTier, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    begins_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    history = TrackedHistory()

    class Meta:
        ordering = ["-begins_at", "-pk"]
        constraints = [
            CheckConstraint(
                condition=Q(expires_at__gt=F("begins_at")),
                name="enterprise_tieroverride_expires_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.tier}"


class SlaAssignment(models.Model):
    """The tier of a customer, with the terms as they were when it was given."""

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.CASCADE, related_name="sla_assignments"
    )
    tier = models.ForeignKey(SlaTier, on_delete=models.PROTECT, related_name="+")
    terms = models.JSONField()
    rule_set = models.ForeignKey(TierRuleSet, null=True, on_delete=models.PROTECT, related_name="+")
    reasons = models.JSONField(default=list)
    assigned_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-assigned_at", "-pk"]
        verbose_name = "SLA assignment"
        constraints = [
            UniqueConstraint(
                fields=["customer"],
                condition=Q(ended_at__isnull=True),
                name="enterprise_slaassignment_one_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.tier}"


class ResourceQuota(models.Model):
    """How much of a resource a customer may use."""

    customer = models.ForeignKey(
        "revenue.Customer", on_delete=models.CASCADE, related_name="resource_quotas"
    )
    resource = models.CharField(max_length=50)
    amount = models.PositiveBigIntegerField()
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["customer", "resource"]
        constraints = [
            UniqueConstraint(fields=["customer", "resource"], name="enterprise_resourcequota_once"),
        ]

    def __str__(self) -> str:
        return f"{self.resource}: {self.amount:,}"


class SlaThreshold(models.Model):
    """A share of the target at which people are told, by kind of clock."""

    kind = models.CharField(max_length=20, choices=ClockKind)
    percent = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    severity = models.CharField(max_length=8, choices=[(each, each) for each in LEVELS])
    history = TrackedHistory()

    class Meta:
        ordering = ["kind", "percent"]
        verbose_name = "SLA threshold"
        constraints = [
            UniqueConstraint(fields=["kind", "percent"], name="enterprise_slathreshold_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.percent}%"


class SlaClock(models.Model):
    """Business time towards a target, from a start to a stop; its events say what counts."""

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        STOPPED = "stopped"

    class Outcome(models.TextChoices):
        OPEN = "open"
        MET = "met"
        BREACHED = "breached"
        CANCELLED = "cancelled", "cancelled: not judged"

    customer = models.ForeignKey(
        "revenue.Customer", null=True, on_delete=models.CASCADE, related_name="sla_clocks"
    )
    kind = models.CharField(max_length=20, choices=ClockKind)
    subject = models.CharField(max_length=100, help_text="What it measures: onboarding step 12.")
    title = models.CharField(max_length=200)
    tier = models.CharField(max_length=50, blank=True)
    zone = models.CharField(max_length=64, default="UTC")
    generation = models.PositiveIntegerField(default=1, help_text="Counts how often it was opened.")
    target_version = models.PositiveIntegerField(default=1)
    target = models.DurationField()
    calendar_version = models.ForeignKey(
        CalendarVersion, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=7, choices=State, default=State.RUNNING)
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.OPEN)
    judged_at = models.DateTimeField(null=True, help_text="When it was met or breached.")
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, help_text="Empty while it is paused or stopped.")
    next_threshold_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at", "pk"]
        verbose_name = "SLA clock"
        constraints = [
            UniqueConstraint(fields=["kind", "subject"], name="enterprise_slaclock_subject"),
            CheckConstraint(
                condition=Q(outcome="open") | Q(judged_at__isnull=False),
                name="enterprise_slaclock_judged_has_a_time",
            ),
        ]
        indexes = [
            Index(fields=["state", "next_threshold_at"], name="enterprise_slaclock_due"),
            Index(fields=["outcome", "judged_at"], name="enterprise_slaclock_judged"),
            Index(fields=["calendar_version", "state"], name="enterprise_slaclock_calendar"),
        ]

    def __str__(self) -> str:
        return self.title


class SlaClockEvent(models.Model):
    """What happened to a clock; appended, never changed."""

    clock = models.ForeignKey(SlaClock, on_delete=models.CASCADE, related_name="events")
    generation = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)
    at = models.DateTimeField()
    target = models.DurationField(null=True)
    calendar_version = models.ForeignKey(
        CalendarVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    counts_from = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=200, blank=True)
    decision = models.ForeignKey(
        "operations.Decision", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["pk"]
        verbose_name = "SLA clock event"

    def __str__(self) -> str:
        return f"{self.kind} of {self.clock}"


class SlaBreach(models.Model):
    """A threshold that a clock reached: a warning below 100 percent, else a breach."""

    class State(models.TextChoices):
        IN_FORCE = "in_force", "in force"
        SUPERSEDED = "superseded", "superseded by another target"
        WITHDRAWN = "withdrawn", "withdrawn by a change of the calendar"

    clock = models.ForeignKey(SlaClock, on_delete=models.CASCADE, related_name="breaches")
    generation = models.PositiveIntegerField()
    target_version = models.PositiveIntegerField()
    threshold = models.PositiveIntegerField(help_text="Percent of the target.")
    reached_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    is_sent = models.BooleanField("sent", default=False)
    state = models.CharField(max_length=10, choices=State, default=State.IN_FORCE)
    decision = models.ForeignKey(
        "operations.Decision", null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-recorded_at", "-pk"]
        verbose_name = "SLA breach"
        verbose_name_plural = "SLA breaches"
        constraints = [
            UniqueConstraint(
                fields=["clock", "generation", "target_version", "threshold"],
                condition=~Q(state="withdrawn"),
                name="enterprise_slabreach_once_for_a_target",
            ),
        ]
        indexes = [Index(fields=["threshold", "reached_at"], name="enterprise_slabreach_reached")]

    def __str__(self) -> str:
        return f"{self.threshold}% of {self.clock}"
