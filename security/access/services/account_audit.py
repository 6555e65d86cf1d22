"""Record in the audit what could take an account over: password, flags, roles, second factor.

Receives Django's signals, so that no way in goes unseen: admin, forms, commands, libraries.
Each event names the person and, as the current author, who did it. The sessions of somebody who is
switched off end here too, whichever way it was done.
"""

from collections.abc import Iterable
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from aethercrown.history import audit_hooks
from aethercrown.history.tracking import is_silent
from security.access.models import User
from security.access.services import sessions, unheld_roles

FLAGS = ("username", "email", "is_superuser", "is_staff", "is_active")
ACTS = {"post_add": "granted", "post_remove": "withdrawn"}
MAX_NAMES_CHARACTERS = 2_000


def remember_account(instance: User, update_fields: Any = None, **_signal: Any) -> None:
    """Receives `pre_save`: keep what is stored, to compare it after the save."""
    watched = {"password", *FLAGS}
    stored = None
    if instance.pk and (update_fields is None or watched & set(update_fields)):
        stored = User.objects.filter(pk=instance.pk).values(*watched).first()
    instance._stored_account = stored  # type: ignore[attr-defined]  # noqa: SLF001 - for record_account


def record_account(instance: User, update_fields: Any = None, **signal: Any) -> None:
    """Receives `post_save`."""
    stored = getattr(instance, "_stored_account", None)
    if signal["created"]:
        flags = {name: str(getattr(instance, name)) for name in FLAGS}
        record("account created", instance, **flags)
    elif stored is not None:
        if stored["password"] != instance.password and not _is_rehash(instance, update_fields):
            record("password changed", instance)
        changed = {
            name: f"{stored[name]} to {getattr(instance, name)}"
            for name in FLAGS
            if stored[name] != getattr(instance, name)
        }
        if changed:
            record("account changed", instance, **changed)
        if "is_active" in changed:
            unheld_roles.check_roles(instance.groups.order_by("pk"))
        if "is_active" in changed and not instance.is_active:
            sessions.end_sessions([instance])  # or they would open again with the account


def remember_roles(instance: User, **_signal: Any) -> None:
    """Receives `pre_delete`, while the account still has its roles."""
    instance._held_roles = list(instance.groups.order_by("pk"))  # type: ignore[attr-defined]  # noqa: SLF001 - for record_account_deleted


def record_account_deleted(instance: User, **_signal: Any) -> None:
    """Receives `post_delete`."""
    record("account deleted", instance, username=instance.get_username())
    unheld_roles.check_roles(getattr(instance, "_held_roles", ()))


def record_group_deleted(instance: Group, **_signal: Any) -> None:
    """Receives `pre_delete`, while the group still has its members."""
    for person in User.objects.filter(groups=instance).order_by("pk"):
        record("roles withdrawn", person, roles=str(instance))
    unheld_roles.forget_role(instance)


def record_factor_deleted(instance: Authenticator, **_signal: Any) -> None:
    """Receives `post_delete`, whoever deletes it: the person, an administrator or a command."""
    subject = f"user {instance.user_id}"
    detail = {"kind": str(instance.type)}
    audit_hooks.record(
        stream="access", event="second factor removed", subject=subject, detail=detail
    )


def record_roles(
    sender: Any, instance: Any, action: str, model: Any, pk_set: Any, **signal: Any
) -> None:
    """Receives `m2m_changed` of a person's groups and single permissions, from either side."""
    reverse = signal["reverse"]
    if action == "pre_clear":
        column = "groups" if sender is User.groups.through else "user_permissions"
        holders = {column: instance} if reverse else {"user": instance}
        pk_set = set(model.objects.filter(**holders).values_list("pk", flat=True))
        instance._cleared_roles = pk_set  # noqa: SLF001 - for post_clear
        action = "post_remove"
    elif action == "post_clear":
        _check_held(instance, model, getattr(instance, "_cleared_roles", set()), reverse=reverse)
    if action not in ACTS or not pk_set:
        return
    others = list(model.objects.filter(pk__in=pk_set).order_by("pk"))
    names = [instance] if reverse else others
    for person in others if reverse else [instance]:
        record(f"roles {ACTS[action]}", person, roles=_listed(names))
    _check_held(instance, model, pk_set, reverse=reverse)


def _check_held(instance: Any, model: Any, pk_set: set[int], *, reverse: bool) -> None:
    """Whether each of the roles is still held by somebody."""
    roles = [instance] if reverse else list(model.objects.filter(pk__in=pk_set).order_by("pk"))
    if not is_silent():
        unheld_roles.check_roles(each for each in roles if isinstance(each, Group))


def record_group_permissions(
    instance: Any, action: str, model: Any, pk_set: Any, **signal: Any
) -> None:
    """Receives `m2m_changed` of a group's permissions: all its members gain or lose them."""
    if is_silent() or signal["reverse"] or action not in ACTS or not pk_set:
        return
    audit_hooks.record(
        stream="access",
        event=f"permissions of a group {ACTS[action]}",
        subject=f"group {instance.pk}",
        detail={
            "group": instance.name,
            "permissions": _listed(model.objects.filter(pk__in=pk_set).order_by("pk")),
        },
    )


def record(event: str, person: User, **detail: str) -> None:
    audit_hooks.record(stream="access", event=event, subject=f"user {person.pk}", detail=detail)


def _listed(rows: Iterable[object]) -> str:
    return ", ".join(map(str, rows))[:MAX_NAMES_CHARACTERS]


def _is_rehash(instance: User, update_fields: Any) -> bool:
    """Whether Django stores the same password under a newer hash, just after it was right."""
    return set(update_fields or ()) == {"password"} and getattr(instance, "_password", None) is None


RECEIVERS = (
    (pre_save, User, remember_account),
    (post_save, User, record_account),
    (post_delete, User, record_account_deleted),
    (pre_delete, User, remember_roles),
    (pre_delete, Group, record_group_deleted),
    (post_delete, Authenticator, record_factor_deleted),
    (m2m_changed, User.groups.through, record_roles),
    (m2m_changed, User.user_permissions.through, record_roles),
    (m2m_changed, Group.permissions.through, record_group_permissions),
)
