"""Keep the permissions of the roles' groups as security/access/roles.py lists them."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from aethercrown.history.tracking import silent
from security.access import roles


@transaction.atomic
def sync_role_permissions(app: str) -> None:
    """After each migration of `app`, give every role's group exactly its permissions of it."""
    permissions = list(Permission.objects.filter(content_type__app_label=app))
    with silent():  # the code lists them, so the history need not
        for role in roles.ROLES:
            group, _ = Group.objects.get_or_create(name=role)
            others = group.permissions.exclude(content_type__app_label=app)
            granted = [each for each in permissions if roles.grants(role, app, each.codename)]
            group.permissions.set([*others, *granted])
