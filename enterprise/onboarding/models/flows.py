"""Flows with steps, the log that is only appended to, work of automation, and forecasts."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint
from django.utils import timezone

from aethercrown.db.fields import CurrencyField
from aethercrown.formatting import date_text
from enterprise.onboarding import states
from enterprise.onboarding.models.roles import ContactRole, OnboardingRole, StepOwnerKind
from enterprise.onboarding.models.team import TeamMember
from enterprise.onboarding.models.templates import OnboardingTemplateVersion


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
    first_value_on = models.DateField(
        "first value on", null=True, help_text="The first day whose use reached the amount."
    )
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
    def evidence(self) -> str:
        """A step with an action is done only with its work; of others a person says so."""
        return states.CHECKED if self.action else states.STATED

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
