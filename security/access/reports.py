"""What a person may do; each role's permissions stand in roles.py."""

from django.contrib.auth.models import AnonymousUser

from security.access.models import User

Person = User | AnonymousUser | None


def person(user: object) -> User | None:
    """Who is signed in; None for a key, a stranger, or someone switched off."""
    return user if isinstance(user, User) and user.is_active else None


def may_view(user: Person) -> bool:
    """Whether this person may see the pages."""
    return holds(user, "security.view_pages")


def may_operate(user: Person) -> bool:
    """Whether this person may enter and change data, and start automations."""
    return holds(user, "security.operate")


def may_approve(user: Person) -> bool:
    """Whether this person may approve, reject and roll back decisions."""
    return holds(user, "security.approve_decisions")


def holds(user: Person, permission: str) -> bool:
    return user is not None and user.is_active and user.has_perm(permission)
