"""Templates and their versions, flows with steps, the team, contacts, and the log."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint
from django.utils import timezone

from aethercrown.db.fields import CurrencyField
from aethercrown.formatting import date_text
from aethercrown.history.tracking import TrackedHistory
from enterprise.onboarding import states
from enterprise.sla import business_time

MAX_STEP_HOURS = 2_000
NAME = RegexValidator(r"^[a-z][a-z0-9_]*\Z", "Small letters, digits and _.")
DAYS_RANGE = [MinValueValidator(1), MaxValueValidator(365)]
HOURS: dict[str, Any] = {
    "max_digits": 7,
    "decimal_places": 2,
    "validators": [MinValueValidator(Decimal("0.01")), MaxValueValidator(MAX_STEP_HOURS)],
}


def known_zone(name: str) -> None:
    if not business_time.is_zone(name):
        raise ValidationError(f"{name!r} is not a time zone such as Europe/Berlin.")


def valid_tier_hours(value: object) -> None:
    """An object of tier to hours, such as {"enterprise": 4}."""
    is_valid = isinstance(value, dict) and all(
        isinstance(hours, int | float)
        and not isinstance(hours, bool)
        and 0 < hours <= MAX_STEP_HOURS
        for hours in value.values()
    )
    if not is_valid:
        raise ValidationError('Hours by tier are an object such as {"enterprise": 4}.')


class OnboardingRole(models.TextChoices):
    """Who of the account team a step belongs to."""

    ACCOUNT_MANAGER = "account_manager", "account manager"
    TECHNICAL_LEAD = "technical_lead", "technical lead"
    SUPPORT_TEAM = "support_team", "support team"


class ContactRole(models.TextChoices):
    """What a person is at the customer."""

    OWNER = "owner"
    TECHNICAL = "technical"
    FINANCE = "finance"
    VIEWER = "viewer"


class StepOwnerKind(models.TextChoices):
    AUTOMATION = "automation"
    ACCOUNT_TEAM = "account_team", "account team"


class OnboardingTemplate(models.Model):
    """A kind of onboarding; its versions hold the steps."""

    name = models.CharField(max_length=50, unique=True, validators=[NAME])
    title = models.CharField(max_length=100)
    is_default = models.BooleanField("default", default=False, help_text="Used for new flows.")
    low_factor = models.FloatField(
        default=0.7,
        validators=[MinValueValidator(0.01)],
        help_text="Low end of a forecast without history, as a share of the planned hours.",
    )
    high_factor = models.FloatField(
        default=2.0, validators=[MinValueValidator(1)], help_text="The high end, likewise."
    )
    reminder_first_days = models.PositiveIntegerField(
        default=2,
        validators=DAYS_RANGE,
        help_text="Business days of waiting for the customer before the first reminder.",
    )
    reminder_every_days = models.PositiveIntegerField(
        default=3, validators=DAYS_RANGE, help_text="Business days between reminders."
    )
    reminders_most = models.PositiveIntegerField(
        default=3, validators=[MaxValueValidator(20)], help_text="Reminders of one step; 0: none."
    )
    silent_after_days = models.PositiveIntegerField(
        default=3,
        validators=DAYS_RANGE,
        help_text="Business days after the last one, when the customer counts as silent.",
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["name"]
        constraints = [
            UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="enterprise_onboardingtemplate_one_default",
            ),
            CheckConstraint(
                condition=Q(low_factor__gt=0, low_factor__lte=1, high_factor__gte=1),
                name="enterprise_onboardingtemplate_factors_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class OnboardingTemplateVersion(models.Model):
    """The steps of a template; published, it never changes. The latest published one is used."""

    class State(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        RETIRED = "retired"

    template = models.ForeignKey(
        OnboardingTemplate, on_delete=models.CASCADE, related_name="versions"
    )
    number = models.PositiveIntegerField(editable=False)
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT, editable=False)
    note = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField(null=True, editable=False)
    history = TrackedHistory()

    class Meta:
        ordering = ["template", "-number"]
        constraints = [
            UniqueConstraint(
                fields=["template", "number"], name="enterprise_onboardingversion_number"
            ),
            UniqueConstraint(
                fields=["template"],
                condition=Q(state="draft"),
                name="enterprise_onboardingversion_one_draft",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template}, version {self.number}"


class OnboardingTemplateStep(models.Model):
    """A step of a template version; its name is its identity across versions."""

    version = models.ForeignKey(
        OnboardingTemplateVersion, on_delete=models.CASCADE, related_name="steps"
    )
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=50, validators=[NAME])
    hours = models.DecimalField(**HOURS, help_text="Planned business hours.")
    hours_by_tier = models.JSONField(
        default=dict,
        blank=True,
        validators=[valid_tier_hours],
        help_text='Other hours for a tier, such as {"enterprise": 4}.',
    )
    owner_kind = models.CharField(
        max_length=12, choices=StepOwnerKind, default=StepOwnerKind.ACCOUNT_TEAM
    )
    role = models.CharField(
        max_length=20, choices=OnboardingRole, default=OnboardingRole.ACCOUNT_MANAGER
    )
    action = models.CharField(
        max_length=50, blank=True, help_text="What automation does, or checks at completion."
    )
    is_optional = models.BooleanField("optional", default=False)
    contact_role = models.CharField(
        max_length=9,
        choices=ContactRole,
        blank=True,
        help_text="The contact whom the step waits for. Empty: nobody at the customer.",
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["position"]
        constraints = [
            UniqueConstraint(fields=["version", "name"], name="enterprise_templatestep_name"),
            UniqueConstraint(
                fields=["version", "position"], name="enterprise_templatestep_position"
            ),
            CheckConstraint(
                condition=Q(hours__gt=0), name="enterprise_templatestep_hours_above_zero"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def hours_for(self, tier: str) -> Decimal:
        """The planned hours for a tier."""
        return Decimal(str(self.hours_by_tier.get(tier, self.hours)))


class OnboardingDependency(models.Model):
    """A step begins when another has finished, and a lag in business hours has passed."""

    step = models.ForeignKey(
        OnboardingTemplateStep, on_delete=models.CASCADE, related_name="dependencies"
    )
    needs = models.ForeignKey(OnboardingTemplateStep, on_delete=models.CASCADE, related_name="+")
    lag_hours = models.DecimalField(
        max_digits=7, decimal_places=2, default=0, validators=[MinValueValidator(0)]
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["step", "needs__position"]
        verbose_name_plural = "onboarding dependencies"
        constraints = [
            UniqueConstraint(fields=["step", "needs"], name="enterprise_onboardingdependency_once"),
            CheckConstraint(
                condition=~Q(step=F("needs")), name="enterprise_onboardingdependency_not_itself"
            ),
            CheckConstraint(
                condition=Q(lag_hours__gte=0), name="enterprise_onboardingdependency_lag"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} after {self.needs}"


class TeamMember(models.Model):
    """A person of the account team, with the hours a week that onboarding may take."""

    name = models.CharField(max_length=100, unique=True)
    email = models.EmailField(blank=True)
    roles = models.JSONField(default=list, help_text='Such as ["account_manager"].')
    week_hours = models.FloatField(
        default=20, validators=[MinValueValidator(0), MaxValueValidator(168)]
    )
    zone = models.CharField(max_length=64, default="UTC", validators=[known_zone])
    is_active = models.BooleanField("active", default=True)
    history = TrackedHistory()

    class Meta:
        ordering = ["name"]
        constraints = [
            CheckConstraint(
                condition=Q(week_hours__gte=0, week_hours__lte=168),
                name="enterprise_teammember_hours_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        known = set(OnboardingRole.values)
        if not isinstance(self.roles, list) or not set(map(str, self.roles)) <= known:
            raise ValidationError({"roles": f"Roles are a list of {', '.join(sorted(known))}."})


class TeamAbsence(models.Model):
    """Days on which a member gets no new work."""

    member = models.ForeignKey(TeamMember, on_delete=models.CASCADE, related_name="absences")
    first = models.DateField()
    last = models.DateField()
    history = TrackedHistory()

    class Meta:
        ordering = ["first"]
        constraints = [
            CheckConstraint(condition=Q(last__gte=F("first")), name="enterprise_teamabsence_order"),
        ]

    def __str__(self) -> str:
        return f"{self.member}, {date_text(self.first)} to {date_text(self.last)}"


class OnboardingFlow(models.Model):
    """One customer's onboarding: pinned template version, tier, terms and calendar."""

    class Status(models.TextChoices):
        DRAFT = states.DRAFT
        ACTIVE = states.ACTIVE
        ON_HOLD = states.ON_HOLD, "on hold"
        COMPLETED = states.COMPLETED
        CANCELLED = states.CANCELLED
        ROLLED_BACK = states.ROLLED_BACK, "rolled back"

    onboarding_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    company_name = models.CharField(max_length=200)
    company_key = models.CharField(max_length=200, editable=False, help_text="The folded name.")
    customer = models.ForeignKey(
        "revenue.Customer", null=True, on_delete=models.CASCADE, related_name="onboarding_flows"
    )
    employee_count = models.PositiveBigIntegerField(null=True)
    annual_revenue = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    currency = CurrencyField()
    requirements = models.JSONField(default=dict)
    tier = models.CharField(max_length=50)
    tier_reasons = models.JSONField(default=list)
    terms = models.JSONField()
    rule_set = models.ForeignKey("TierRuleSet", on_delete=models.PROTECT, related_name="+")
    template_version = models.ForeignKey(
        OnboardingTemplateVersion, on_delete=models.PROTECT, related_name="flows"
    )
    calendar_version = models.ForeignKey(
        "CalendarVersion", on_delete=models.PROTECT, related_name="+"
    )
    zone = models.CharField(max_length=64, help_text="Of the account team.")
    status = models.CharField(max_length=11, choices=Status, default=Status.DRAFT)
    version = models.PositiveIntegerField(default=0, help_text="Rises with each change.")
    is_rolling_back = models.BooleanField("rolling back", default=False)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    estimated_at = models.DateTimeField(null=True)
    low_at = models.DateTimeField(null=True)
    high_at = models.DateTimeField(null=True)
    reference_flows = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            UniqueConstraint(
                fields=["company_key"],
                condition=Q(status__in=states.OPEN_FLOWS),
                name="enterprise_onboardingflow_one_open_for_a_company",
            ),
            CheckConstraint(
                condition=~Q(status="completed") | Q(completed_at__isnull=False),
                name="enterprise_onboardingflow_completed_has_a_time",
            ),
        ]
        indexes = [
            Index(fields=["status", "started_at"], name="enterprise_flow_status"),
            Index(fields=["tier", "template_version"], name="enterprise_flow_reference"),
        ]

    def __str__(self) -> str:
        return f"onboarding {self.pk}"


class OnboardingStep(models.Model):
    """A step of a flow, with its own copy of what the template said."""

    flow = models.ForeignKey(OnboardingFlow, on_delete=models.CASCADE, related_name="steps")
    order = models.PositiveIntegerField()
    name = models.CharField(max_length=50)
    hours = models.DecimalField(max_digits=7, decimal_places=2)
    owner_kind = models.CharField(max_length=12, choices=StepOwnerKind)
    role = models.CharField(max_length=20, choices=OnboardingRole)
    action = models.CharField(max_length=50, blank=True)
    is_optional = models.BooleanField("optional", default=False)
    contact_role = models.CharField(max_length=9, choices=ContactRole, blank=True)
    needs = models.JSONField(default=dict, help_text="Steps it waits for, with the lag in hours.")
    state = models.CharField(
        max_length=16, choices=[(each, each.replace("_", " ")) for each in states.STEP_STATES]
    )
    version = models.PositiveIntegerField(default=0)
    generation = models.PositiveIntegerField(default=1, help_text="Counts how often it was opened.")
    owner = models.ForeignKey(
        TeamMember, null=True, on_delete=models.SET_NULL, related_name="steps"
    )
    owner_cost = models.JSONField(null=True, help_text="The parts of the cost of this owner.")
    removed_by = models.PositiveIntegerField(
        null=True, help_text="The template version that does not have it."
    )
    not_before = models.DateTimeField(null=True, help_text="When the lags of a pending step end.")
    ready_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    waiting_since = models.DateTimeField(null=True)
    silent_since = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    actual_hours = models.FloatField(null=True, help_text="Business hours from ready to done.")
    due_at = models.DateTimeField(null=True)
    slack_hours = models.FloatField(null=True)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it is blocked or failed.")
    notes = models.TextField(blank=True)
    result = models.JSONField(default=dict, help_text="What the action made: ids, never secrets.")

    class Meta:
        ordering = ["flow", "order"]
        constraints = [
            UniqueConstraint(fields=["flow", "name"], name="enterprise_onboardingstep_name"),
            CheckConstraint(
                condition=~Q(state="done") | Q(finished_at__isnull=False),
                name="enterprise_onboardingstep_done_has_a_time",
            ),
        ]
        indexes = [
            Index(fields=["state", "due_at"], name="enterprise_step_due"),
            Index(fields=["owner", "state"], name="enterprise_step_owner"),
            Index(fields=["state", "not_before"], name="enterprise_step_lag"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.flow}"

    @property
    def duration(self) -> timedelta:
        return timedelta(hours=float(self.hours))


class StepTransition(models.Model):
    """One entry of a flow's log; each holds the hash of the one before. Never changed."""

    flow = models.ForeignKey(OnboardingFlow, on_delete=models.CASCADE, related_name="transitions")
    sequence = models.PositiveIntegerField()
    step = models.CharField(max_length=50, blank=True, help_text="Empty: the flow itself.")
    event = models.CharField(max_length=20)
    from_state = models.CharField(max_length=16, blank=True)
    to_state = models.CharField(max_length=16)
    at = models.DateTimeField()
    actor = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    detail = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["flow", "sequence"]
        constraints = [
            UniqueConstraint(
                fields=["flow", "sequence"], name="enterprise_steptransition_sequence"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.step}".strip()

    def save(self, *args: Any, **options: Any) -> None:
        if self.pk is not None:
            raise TypeError("The log of a flow is only appended to.")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        raise TypeError("The log of a flow is only appended to.")


class StepAction(models.Model):
    """Work of automation on one generation of a step: done once, in the worker."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        PARKED = "parked", "parked: it failed too often"
        CANCELLED = "cancelled"

    step = models.ForeignKey(OnboardingStep, on_delete=models.CASCADE, related_name="actions")
    generation = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    tries = models.PositiveIntegerField(default=0)
    claims = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["next_at", "pk"]
        constraints = [
            UniqueConstraint(fields=["step", "generation"], name="enterprise_stepaction_once"),
        ]
        indexes = [Index(fields=["state", "next_at"], name="enterprise_stepaction_due")]

    def __str__(self) -> str:
        return f"{self.step.action} for {self.step}"


class IssuedKeySecret(models.Model):
    """The sealed text of a key that a step made, until it is fetched once or expires."""

    step = models.OneToOneField(OnboardingStep, on_delete=models.CASCADE, related_name="key_secret")
    key_id = models.PositiveBigIntegerField()
    sealed = models.TextField(blank=True, editable=False)
    expires_at = models.DateTimeField()
    fetched_at = models.DateTimeField(null=True)
    fetched_by = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"Secret of key {self.key_id}"

    @property
    def context(self) -> str:
        return f"onboarding-key:{self.step_id}:{self.key_id}"


class OnboardingContact(models.Model):
    """A person at the customer, with a signed link of their own to the status page."""

    flow = models.ForeignKey(OnboardingFlow, on_delete=models.CASCADE, related_name="contacts")
    name = models.CharField(max_length=100)
    email = models.EmailField()
    role = models.CharField(max_length=9, choices=ContactRole, default=ContactRole.OWNER)
    zone = models.CharField(max_length=64, default="UTC", validators=[known_zone])
    link_generation = models.PositiveIntegerField(default=1)
    left_at = models.DateTimeField(null=True, editable=False)
    history = TrackedHistory()

    class Meta:
        ordering = ["flow", "pk"]
        constraints = [
            UniqueConstraint(
                fields=["flow", "email"],
                condition=Q(left_at__isnull=True),
                name="enterprise_onboardingcontact_email",
            ),
        ]

    def __str__(self) -> str:
        return f"contact {self.pk} of {self.flow}"


class StepReminder(models.Model):
    """A reminder to a contact of a step that waits; never two of one number."""

    step = models.ForeignKey(OnboardingStep, on_delete=models.CASCADE, related_name="reminders")
    generation = models.PositiveIntegerField()
    contact = models.ForeignKey(
        OnboardingContact, on_delete=models.CASCADE, related_name="reminders"
    )
    number = models.PositiveIntegerField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField()

    class Meta:
        ordering = ["due_at", "pk"]
        constraints = [
            UniqueConstraint(
                fields=["step", "generation", "contact", "number"],
                name="enterprise_stepreminder_once",
            ),
        ]

    def __str__(self) -> str:
        return f"Reminder {self.number} of {self.step}"


class FlowForecast(models.Model):
    """A forecast as it was made, to be compared with what happened."""

    flow = models.ForeignKey(OnboardingFlow, on_delete=models.CASCADE, related_name="forecasts")
    made_at = models.DateTimeField()
    low_at = models.DateTimeField()
    estimate_at = models.DateTimeField()
    high_at = models.DateTimeField()
    reference_flows = models.PositiveIntegerField()

    class Meta:
        ordering = ["flow", "-made_at"]

    def __str__(self) -> str:
        return f"Forecast of {self.flow}, {date_text(self.made_at)}"
