"""Automatic decisions."""

from django.db import models
from django.db.models import Q

from aethercrown.history.tracking import TrackedHistory
from operations.decisions import draft, states
from operations.decisions.decision_types import DecisionCase


class FourEyesRule(models.Model):
    """Whether whoever proposes decisions of a kind may not approve them; off without a row."""

    kind = models.CharField(max_length=100, unique=True)
    is_on = models.BooleanField(
        "four eyes", default=False, help_text="Who proposed it does not approve it."
    )
    history = TrackedHistory()

    class Meta:
        ordering = ["kind"]

    def __str__(self) -> str:
        return self.kind


class Decision(models.Model):
    """One automatic decision, from its inputs to its measured effect."""

    class Status(models.TextChoices):
        PROPOSED = states.PROPOSED
        APPROVED = states.APPROVED
        REJECTED = states.REJECTED
        APPLIED = states.APPLIED
        MEASURED = states.MEASURED
        ROLLED_BACK = states.ROLLED_BACK, "rolled back"

    class Verdict(models.TextChoices):
        INSIDE = "inside", "inside what was expected"
        BELOW = "below", "below what was expected"
        ABOVE = "above", "above what was expected"
        DECLINED = "declined"
        STALE = "stale", "stale: the subject had changed"
        EXPIRED = "expired", "expired: nobody decided in time"

    automation = models.CharField(max_length=100)
    run = models.ForeignKey(
        "operations.Run", null=True, on_delete=models.SET_NULL, related_name="decisions"
    )
    kind = models.CharField(max_length=100)
    subject = models.CharField(max_length=200)
    title = models.CharField(max_length=300)
    mode = models.CharField(max_length=8, help_text="The automation's mode when it decided.")
    before = models.JSONField()
    after = models.JSONField()
    inputs_digest = models.CharField(max_length=64, help_text="SHA-256 of the inputs.")
    method = models.CharField(max_length=200, help_text="The method and its version.")
    expected = models.JSONField()
    guardrails = models.JSONField(default=list)
    change_percent = models.FloatField(
        null=True, help_text="Its largest relative change, in percent."
    )
    proposed_by = models.CharField(
        max_length=200, blank=True, default="", help_text="The person, key or automation."
    )
    status = models.CharField(max_length=11, choices=Status, default=Status.PROPOSED)
    verdict = models.CharField(max_length=8, choices=Verdict, blank=True)
    actor = models.CharField(max_length=200, blank=True, help_text="Who approved or rejected.")
    note = models.TextField(blank=True)
    rolled_back_by = models.CharField(max_length=200, blank=True)
    rolled_back_note = models.TextField(blank=True)
    realised = models.JSONField(null=True)
    proposed_at = models.DateTimeField()
    postponed_until = models.DateTimeField(
        null=True, help_text="A proposal is not among the waiting ones before that."
    )
    approved_at = models.DateTimeField(null=True)
    rejected_at = models.DateTimeField(null=True)
    applied_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, help_text="When its effect is measured.")
    measured_at = models.DateTimeField(null=True)
    rolled_back_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-proposed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["automation", "subject", "inputs_digest"],
                name="operations_decision_once_for_the_same_inputs",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[states.APPLIED, states.MEASURED, states.ROLLED_BACK])
                | Q(applied_at__isnull=False),
                name="operations_decision_applied_has_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="operations_decision_due"),
            models.Index(fields=["automation", "applied_at"], name="operations_decision_applied"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def case(self) -> DecisionCase:
        """The decision for the functions of its type."""
        return DecisionCase(
            decision_id=self.pk,
            subject=self.subject,
            before=self.before,
            after=self.after,
            expected=draft.expected_from_json(self.expected),
            applied_at=self.applied_at,
        )

    @property
    def passed(self) -> bool:
        """Whether every guardrail passed; False without any."""
        return bool(self.guardrails) and all(each["passed"] for each in self.guardrails)
