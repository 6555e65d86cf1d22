"""Change what a security level requires, and reschedule its keys."""

from django.db import transaction

from security.rotation import reports, schedule
from security.rotation.models import ManagedSecret, RotationPolicy
from security.rotation.schedule import LEVELS
from security.rotation.services import steps
from security.rotation.services.lifecycle import InvalidArgument


@transaction.atomic
def set_policy(level: str, *, interval_days: int | None, grace_minutes: int | None) -> None:
    """Change a level's policy and reschedule its keys at once. Raises InvalidArgument."""
    if level not in LEVELS:
        raise InvalidArgument("level", f"must be one of {', '.join(LEVELS)}.")
    policy, _ = RotationPolicy.objects.get_or_create(level=level)
    policy.interval_days, policy.grace_minutes = interval_days, grace_minutes
    policy.save()
    reschedule()


def reschedule() -> None:
    """Set new due times for keys whose level has another interval than before."""
    for level, policy in reports.effective_policies().items():
        days = policy.interval_days
        for key in ManagedSecret.objects.filter(level=level).exclude(interval_days=days):
            since = key.last_rotated_at or key.created_at
            version = steps.current_version(key)
            number = version.number if version else 1
            window = schedule.rotation_window(since, policy.interval, key.uuid, number)
            ManagedSecret.objects.filter(pk=key.pk).update(
                interval_days=days, due_at=window.due_at, eligible_at=window.eligible_at
            )
