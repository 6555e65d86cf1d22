"""The user record."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who signs in. Our own from the first migration, so that it can grow."""

    class Meta(AbstractUser.Meta):
        permissions = [
            ("view_pages", "Can see the dashboards"),
            ("operate", "Can enter and change data, and start automations"),
            ("approve_decisions", "Can approve, reject and roll back decisions"),
        ]
