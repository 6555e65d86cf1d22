"""Contacts of a flow with their links, the key that they fetch once, and reminders."""

from django.db import models
from django.db.models import Q, UniqueConstraint

from aethercrown.history.tracking import TrackedHistory
from enterprise.onboarding.models.flows import OnboardingFlow, OnboardingStep
from enterprise.onboarding.models.roles import ContactRole, known_zone


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
