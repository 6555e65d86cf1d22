"""Roles in the account team and at the customer, and a check of time zones."""

from django.core.exceptions import ValidationError
from django.db import models

from enterprise.sla import business_time


def known_zone(name: str) -> None:
    if not business_time.is_zone(name):
        raise ValidationError(f"{name!r} is not a time zone such as Europe/Berlin.")


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
