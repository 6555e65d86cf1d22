"""The user record."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person who signs in. Our own from the first migration, so that it can grow."""
