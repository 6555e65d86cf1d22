"""Remind contacts of steps that wait for them, and say when a customer stays silent.

Messaging holds a reminder to the recipient's day and to its caps, and asks before sending whether
the step still waits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch

from aethercrown.formatting import counted
from aethercrown.severity import WARNING
from enterprise.onboarding import mail_texts, states
from enterprise.onboarding.models import OnboardingContact, OnboardingStep, StepReminder
from enterprise.onboarding.reminder_times import (
    LastReminder,
    ReminderRule,
    reminder_at,
    silent_at,
)
from enterprise.onboarding.services import contacts
from enterprise.sla import reports as sla
from enterprise.sla.business_time import BusinessHours
from operations.alerts import services as alerts
from operations.messaging import services as messaging
from operations.messaging.outside.mail_kinds import MailKind, MailPurpose, OutsideMail

SOURCE, SILENT_KIND = "onboarding", "customer silent"
DAY, WEEK = timedelta(days=1), timedelta(days=7)
MOST_A_WEEK = 2  # mails to a contact, over all steps and flows
PAGE_ROWS = 500  # read at once
Due = list[tuple[OnboardingStep, int, datetime]]  # a step, the number of the reminder, when due


def send_due(now: datetime) -> int:
    """Write what is due: one mail a contact for everything that waits; returns how many."""
    due: dict[int, Due] = {}
    people: dict[int, OnboardingContact] = {}
    for waiting in _waiting():
        number = waiting.sent + 1
        if number > waiting.rule.most:
            continue
        due_at = reminder_at(waiting.rule, waiting.since, waiting.last, waiting.hours)
        if due_at <= now:
            people[waiting.contact.pk] = waiting.contact
            due.setdefault(waiting.contact.pk, []).append((waiting.step, number, due_at))
    return sum(_send(people[pk], found, now) for pk, found in due.items())


def note_silence(now: datetime) -> int:
    """Mark steps whose customer has not answered after the last reminder; returns how many."""
    noted = 0
    for waiting in list(_waiting()):
        last = waiting.last
        if last is None or waiting.sent < waiting.rule.most:
            continue
        if silent_at(waiting.rule, last, waiting.hours) <= now:
            rows = OnboardingStep.objects.filter(pk=waiting.step.pk, silent_since=None)
            if rows.filter(state=states.WAITING_CUSTOMER).update(silent_since=now):
                _tell(waiting.step, now)
                noted += 1
    return noted


@dataclass(frozen=True, slots=True)
class WaitingStep:
    """A step that waits for a contact: since when, and the reminders of it so far."""

    step: OnboardingStep
    contact: OnboardingContact
    since: datetime
    rule: ReminderRule
    hours: BusinessHours
    sent: int
    last: LastReminder | None


def _waiting() -> Iterator[WaitingStep]:
    """The steps that wait for somebody and are not silent yet, the longest waiting first."""
    rows = OnboardingStep.objects.filter(
        state=states.WAITING_CUSTOMER,
        waiting_since__isnull=False,
        silent_since=None,
        flow__status=states.ACTIVE,
        flow__is_rolling_back=False,
        removed_by=None,
    )
    related = rows.select_related("flow__template_version__template").prefetch_related(
        "reminders", Prefetch("flow__contacts", OnboardingContact.objects.filter(left_at=None))
    )
    hours: dict[tuple[int, str], BusinessHours] = {}
    for step in related.order_by("waiting_since", "pk").iterator(chunk_size=PAGE_ROWS):
        contact = contacts.chosen(step.flow.contacts.all(), step)
        if contact is None or step.waiting_since is None:
            continue
        key = (step.flow.calendar_version_id, contact.zone)
        if key not in hours:
            hours[key] = sla.hours_of(*key)
        sent = [each for each in step.reminders.all() if each.generation == step.generation]
        last = max(sent, key=lambda each: each.number, default=None)
        yield WaitingStep(
            step, contact, step.waiting_since, rule_of(step), hours[key], len(sent),
            LastReminder(last.due_at, last.sent_at) if last else None,
        )  # fmt: skip


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
    """Why a reminder must not go out any more: nothing that it names waits for the contact now."""
    contact_id, step_id, numbers = key.partition(":")[2].split(":", 2)
    generation, number = map(int, numbers.split("."))
    rows = StepReminder.objects.filter(contact=int(contact_id), contact__left_at=None)
    first = rows.filter(step=int(step_id), generation=generation, number=number).first()
    if first is None:
        return "The contact or the step is gone."
    named = rows.filter(sent_at=first.sent_at).select_related("step__flow").order_by("pk")
    if any(_still_waits(each) for each in named):
        return ""
    return f"{first.step.name} does not wait any more."


def _still_waits(reminder: StepReminder) -> bool:
    step = reminder.step
    is_same = step.generation == reminder.generation and step.removed_by is None
    return is_same and step.state == states.WAITING_CUSTOMER and step.flow.status == states.ACTIVE


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
            due_at=due_at, sent_at=now,
        )
        for step, number, due_at in found
    )  # fmt: skip
    step, number, _ = found[0]
    key = f"onboarding-reminder:{contact.pk}:{step.pk}:{step.generation}.{number}"
    names = "\n".join(f"- {each.name.replace('_', ' ')}" for each, _, _ in found)
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
