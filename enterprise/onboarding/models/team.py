"""The account team, its absences, and what counts when work is given to people."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import CheckConstraint, F, Q

from aethercrown.formatting import date_text
from aethercrown.history.tracking import TrackedHistory
from enterprise.onboarding.models.roles import OnboardingRole, known_zone


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


class OwnerCostWeight(models.Model):
    """What one part of the cost counts when steps are given to people; 0: nothing."""

    class Part(models.TextChoices):
        OVERLOAD = "overload", "share of the free hours that it takes"
        SKILL = "skill", "another role than the step needs"
        ZONE = "zone", "each hour between the time zones"
        CHANGE = "change", "another person than the customer knows"

    part = models.CharField(max_length=8, choices=Part, unique=True, editable=False)
    weight = models.FloatField(validators=[MinValueValidator(0), MaxValueValidator(1000)])
    history = TrackedHistory()

    class Meta:
        ordering = ["part"]
        constraints = [
            CheckConstraint(
                condition=Q(weight__gte=0, weight__lte=1000),
                name="enterprise_ownercostweight_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.get_part_display()
