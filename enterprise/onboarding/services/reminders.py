"""Remind contacts of steps that wait for them, and say when a customer stays silent.

Messaging holds a reminder to the recipient's day and to its caps, and asks before sending whether
the step still waits.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from aethercrown.formatting import counted
from aethercrown.severity import WARNING
from enterprise.onboarding import mail_texts, states
from enterprise.onboarding.models import OnboardingContact, OnboardingStep, StepReminder
from enterprise.onboarding.reminder_times import ReminderRule, reminder_at, silent_at
from enterprise.onboarding.services import contacts
from enterprise.sla import reports as sla
from operations.alerts import services as alerts
from operations.messaging import services as messaging
from operations.messaging.outside.mail_kinds import MailKind, MailPurpose, OutsideMail

SOURCE, SILENT_KIND = "onboarding", "customer silent"
DAY, WEEK = timedelta(days=1), timedelta(days=7)
MOST_A_WEEK = 2  # mails to a contact, over all steps and flows
BATCH_ROWS = 500
Due = list[tuple[OnboardingStep, int]]


def send_due(now: datetime) -> int:
    """Write what is due: one mail a contact for everything that waits; returns how many."""
    due: dict[int, Due] = {}
    people: dict[int, OnboardingContact] = {}
    for step in _waiting():
        contact = contacts.contact_for(step.flow, step)
        if contact is None:
            continue
        number = _next_number(step, contact, now)
        if number is not None:
            people[contact.pk] = contact
            due.setdefault(contact.pk, []).append((step, number))
    return sum(_send(people[pk], found, now) for pk, found in due.items())


def note_silence(now: datetime) -> int:
    """Mark steps whose customer has not answered after the last reminder; returns how many."""
    noted = 0
    for step in _waiting():
        contact = contacts.contact_for(step.flow, step)
        if contact is None or step.waiting_since is None or step.silent_since is not None:
            continue
        rule = rule_of(step)
        sent = StepReminder.objects.filter(step=step, generation=step.generation).count()
        hours = sla.hours_of(step.flow.calendar_version_id, contact.zone)
        if sent >= rule.most and silent_at(rule, step.waiting_since, hours) <= now:
            OnboardingStep.objects.filter(pk=step.pk).update(silent_since=now)
            _tell(step, now)
            noted += 1
    return noted


def rule_of(step: OnboardingStep) -> ReminderRule:
    """The rule of the step's template."""
    template = step.flow.template_version.template
    return ReminderRule(
        template.reminder_first_days,
        template.reminder_every_days,
        template.reminders_most,
        template.silent_after_days,
    )


def send_link(contact_id: int, now: datetime) -> bool:
    """Mail a contact the link to their page; False where PUBLIC_URL is not set."""
    contact = OnboardingContact.objects.select_related("flow").get(pk=contact_id)
    if not settings.PUBLIC_URL or contact.left_at is not None:
        return False
    key = f"onboarding-link:{contact.pk}:{contact.link_generation}:{now.date()}"
    messaging.enqueue_mail(_mail(contact, mail_texts.LINK, key, {}), now)
    return True


def unwanted(key: str) -> str:
    """Why a reminder must not go out any more: nothing of it waits for the contact now."""
    contact_id, step_id, _ = key.partition(":")[2].split(":", 2)
    step = OnboardingStep.objects.select_related("flow").filter(pk=int(step_id)).first()
    contact = OnboardingContact.objects.filter(pk=int(contact_id), left_at=None).first()
    if step is None or contact is None:
        return "The contact or the step is gone."
    if step.state != states.WAITING_CUSTOMER or step.flow.status != states.ACTIVE:
        return f"{step.name} does not wait any more."
    return ""


def _waiting() -> Sequence[OnboardingStep]:
    rows = OnboardingStep.objects.filter(
        state=states.WAITING_CUSTOMER,
        flow__status=states.ACTIVE,
        flow__is_rolling_back=False,
        removed_by=None,
    )
    related = rows.select_related("flow__template_version__template")
    return list(related.order_by("waiting_since", "pk")[:BATCH_ROWS])


def _next_number(step: OnboardingStep, contact: OnboardingContact, now: datetime) -> int | None:
    """The number of the reminder that is due; None where none is."""
    rule = rule_of(step)
    number = StepReminder.objects.filter(step=step, generation=step.generation).count() + 1
    if number > rule.most or step.waiting_since is None:
        return None
    hours = sla.hours_of(step.flow.calendar_version_id, contact.zone)
    return number if reminder_at(rule, step.waiting_since, number, hours) <= now else None


@transaction.atomic
def _send(contact: OnboardingContact, found: Due, now: datetime) -> int:
    """One mail with everything that waits; later, where the contact had its share of mail."""
    rows = StepReminder.objects.filter(contact__email__iexact=contact.email)
    sent = rows.filter(sent_at__gt=now - WEEK).order_by("sent_at")
    recent = list(sent.values_list("sent_at", flat=True).distinct())
    if len(recent) >= MOST_A_WEEK or any(each > now - DAY for each in recent):
        return 0
    StepReminder.objects.bulk_create(
        StepReminder(
            step=step, generation=step.generation, contact=contact, number=number,
            due_at=now, sent_at=now,
        )
        for step, number in found
    )  # fmt: skip
    step, number = found[0]
    key = f"onboarding-reminder:{contact.pk}:{step.pk}:{step.generation}.{number}"
    names = "\n".join(f"- {each.name.replace('_', ' ')}" for each, _ in found)
    messaging.enqueue_mail(_mail(contact, mail_texts.REMINDER, key, {"steps": names}), now)
    return 1


def _mail(contact: OnboardingContact, kind: str, key: str, more: dict[str, str]) -> OutsideMail:
    values = {"contact_name": contact.name, "company": contact.flow.company_name, **more}
    if settings.PUBLIC_URL:
        values["link"] = f"{settings.PUBLIC_URL}{contacts.path(contact)}"
    return OutsideMail(
        key=key,
        kind=kind,
        address=contact.email,
        recipient_name=contact.name,
        values=values,
        person=f"onboarding contact {contact.pk}",
        time_zone=contact.zone,
    )


def _tell(step: OnboardingStep, now: datetime) -> None:
    rule = rule_of(step)
    alerts.raise_alert(
        SOURCE, SILENT_KIND, f"onboarding {step.flow_id}", WARNING,
        f"The customer has not answered after {counted(rule.most, 'reminder')} of {step.name}.",
        key=f"step {step.pk}", link=f"/dashboards/onboarding/{step.flow_id}", now=now,
    )  # fmt: skip


MAIL_KINDS = (
    MailKind(
        mail_texts.LINK,
        "Link to the onboarding",
        MailPurpose.SERVICE,
        mail_texts.LINK_FIELDS,
        mail_texts.LINK_SUBJECT,
        mail_texts.LINK_TEXT,
    ),
    MailKind(
        mail_texts.REMINDER,
        "Onboarding reminder",
        MailPurpose.REMINDER,
        mail_texts.REMINDER_FIELDS,
        mail_texts.REMINDER_SUBJECT,
        mail_texts.REMINDER_TEXT,
        unwanted,
    ),
)
