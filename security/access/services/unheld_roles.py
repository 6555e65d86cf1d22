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
            alerts.resolve(SOURCE, UNHELD, role.name, now=now)
            continue
        message = (
            f"Nobody holds the role {role} any more. What only its holders may do waits, or an "
            "administrator does it: give the role to somebody."
        )
        alerts.raise_alert(SOURCE, UNHELD, role.name, "warning", message, link=PEOPLE_PAGE, now=now)
