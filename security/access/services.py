"""The roles' groups, kept as roles.py says."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from security.access import roles


@transaction.atomic
def grant(app: str) -> None:
    """Make every role's group, and give it exactly its permissions of `app`.

    Runs after each migration of an app, when its permissions stand; repeating changes nothing.
    """
    permissions = list(Permission.objects.filter(content_type__app_label=app))
    for role in roles.ROLES:
        group, _ = Group.objects.get_or_create(name=role)
        kept = group.permissions.exclude(content_type__app_label=app)
        held = [each for each in permissions if roles.grants(role, app, each.codename)]
        group.permissions.set([*kept, *held])
