"""An alert for each role that nobody holds any more, until somebody does."""

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.utils import timezone

from operations.alerts import services as alerts
from security.access.models import User

SOURCE, UNHELD = "access", "role_unheld"
PEOPLE_PAGE = "/admin/security/user/"


def check_roles(roles: Iterable[Group]) -> None:
    """Raise or resolve the alert of each role; only of those whose holders have just changed."""
    now = timezone.now()
    for role in roles:
        if User.objects.filter(is_active=True, groups=role).exists():
            forget_role(role)
            continue
        message = (
            f"Nobody holds the role {role} any more. What only its holders may do waits, or an "
            "administrator does it: give the role to somebody."
        )
        alerts.raise_alert(
            SOURCE, UNHELD, role.name, "warning", message,
            key=str(role.pk), link=PEOPLE_PAGE, now=now,
        )  # fmt: skip


def forget_role(role: Group) -> None:
    """End its alert: somebody holds it, or it is deleted. A role that was renamed is the same."""
    alerts.resolve(SOURCE, UNHELD, str(role.pk), now=timezone.now())
