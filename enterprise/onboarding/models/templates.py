"""Templates, their versions, and the steps of these with dependencies."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from aethercrown.db.fields import AmountField
from aethercrown.history.tracking import TrackedHistory
from enterprise.onboarding.models.roles import ContactRole, OnboardingRole, StepOwnerKind

MAX_STEP_HOURS = 2_000
NAME = RegexValidator(r"^[a-z][a-z0-9_]*\Z", "Small letters, digits and _.")
DAYS_RANGE = [MinValueValidator(1), MaxValueValidator(365)]
HOURS: dict[str, Any] = {
    "max_digits": 7,
    "decimal_places": 2,
    "validators": [MinValueValidator(Decimal("0.01")), MaxValueValidator(MAX_STEP_HOURS)],
}


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
    value_metric = models.CharField(
        "metric of first value",
        max_length=100,
        blank=True,
        help_text="The code of a metric of use. First value is the first day that reaches the "
        "amount. Empty: it is not measured.",
    )
    value_amount = AmountField(
        "amount of first value", default=1, validators=[MinValueValidator(Decimal("0.000001"))]
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
            CheckConstraint(
                condition=Q(value_amount__gt=0),
                name="enterprise_onboardingtemplate_value_above_zero",
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
