"""Versions of the texts of mail: a draft is edited, a published one never changes."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from aethercrown.transitions import InvalidTransition
from operations.messaging.models import MailTemplateVersion
from operations.messaging.outside.mail_kinds import mail_kinds
from operations.messaging.outside.merge_fields import problems


def check_template(row: MailTemplateVersion) -> None:
    """Raise ValidationError for fields that the kind does not declare, beside their column."""
    declared = mail_kinds.get(row.kind).fields
    wrong = {name: problems(getattr(row, name), declared) for name in ("subject", "text")}
    if found := {name: each for name, each in wrong.items() if each}:
        raise ValidationError(found)


@transaction.atomic
def save_draft(row: MailTemplateVersion) -> MailTemplateVersion:
    """Store a draft; a new one gets the next number. Raises InvalidTransition if published."""
    if row.pk is None:
        same = MailTemplateVersion.objects.filter(kind=row.kind, locale=row.locale)
        row.number = (same.aggregate(last=Max("number"))["last"] or 0) + 1
    else:
        _draft(row.pk)
    row.save()
    return row


@transaction.atomic
def publish(pk: int, *, now: datetime) -> MailTemplateVersion:
    """Use the draft for every mail that is written from now on. Raises InvalidTransition."""
    row = _draft(pk)
    check_template(row)
    row.state, row.published_at = MailTemplateVersion.State.PUBLISHED, now
    row.save()
    return row


def _draft(pk: int) -> MailTemplateVersion:
    row = MailTemplateVersion.objects.select_for_update().get(pk=pk)
    if row.state != MailTemplateVersion.State.DRAFT:
        raise InvalidTransition(f"{row} is published and never changes; make a new version.")
    return row
