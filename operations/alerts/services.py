"""Raising, settling and telling; each function is one transaction.

What people must hear of goes into the outbox in the transaction of its event, under a key that
names the event: whatever is repeated, it is told once.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from aethercrown.db.batch_delete import forget
from aethercrown.monitoring import redaction
from aethercrown.severity import CRITICAL, rank
from operations.alerts import words
from operations.alerts.fingerprint import Fingerprint
from operations.alerts.models import Alert, Silence
from operations.automations.run_rules import legible
from operations.messaging import services as outbox
from operations.messaging.message import OutgoingMessage

AUTOMATIC = "automatic"  # who resolves where no person does
REOPENED_WITHIN = timedelta(minutes=10)
REMINDER_INTERVAL = timedelta(hours=24)
RETENTION = timedelta(days=365)
LONGEST = 2_000  # characters of an alert's message
MOST_LISTED = 200  # alerts in one digest


class WrongStep(Exception):
    """The alert's state forbids it; the API answers 409."""


# --- Alerts -----------------------------------------------------------------------------------
@transaction.atomic
def raise_alert(
    source: str,
    kind: str,
    subject: str,
    severity: str,
    message: str,
    *,
    link: str = "",
    now: datetime,
) -> Alert:
    """Note that something is wrong; people are told once, and again where it becomes graver.

    Within ten minutes of its end the same alert is opened again, and nobody is told.
    """
    rank(severity)
    known = _known(source, kind, subject)
    seen = {
        "severity": severity,
        "message": legible(redaction.text(message))[:LONGEST],
        "link": link[:500],
        "last_seen_at": now,
    }
    alert = _standing(known, now)
    if alert is None:
        alert = _opened(known, seen)
        if alert is not None:
            _post(alert, words.OPENED, severity, now)
            return alert
        alert = _locked_open(known)
    _again(alert, seen, now)
    return alert


@transaction.atomic
def resolve(source: str, kind: str, subject: str, *, now: datetime) -> Alert | None:
    """Its source says that it is over; None where nothing was open, which is the usual case."""
    known = _known(source, kind, subject)
    alert = _locked(_of(known).exclude(state=Alert.State.RESOLVED)).first()
    if alert is not None:
        _resolve(alert, AUTOMATIC, now)
    return alert


@transaction.atomic
def close(alert_id: int, *, actor: str, note: str = "", now: datetime) -> Alert:
    """A person says that it is over; WrongStep where it is already."""
    alert = _unresolved(alert_id)
    alert.note = note or alert.note
    _resolve(alert, actor, now)
    return alert


@transaction.atomic
def acknowledge(alert_id: int, *, actor: str, note: str = "", now: datetime) -> Alert:
    """A person has taken it on: reminders end. WrongStep where it is resolved."""
    alert = _unresolved(alert_id)
    if alert.state == Alert.State.ACKNOWLEDGED:
        raise WrongStep(f"{alert} was acknowledged by {alert.acknowledged_by} already.")
    alert.state = Alert.State.ACKNOWLEDGED
    alert.acknowledged_at = now
    alert.acknowledged_by = actor
    alert.note = note
    alert.save()
    return alert


def silence(alert_id: int, *, actor: str, note: str = "", until: datetime) -> Silence:
    """Hold back messages of this very alert until then."""
    alert = Alert.objects.get(pk=alert_id)
    exact = (_literal(each) for each in (alert.source, alert.kind, alert.subject))
    source, kind, subject = exact
    return Silence.objects.create(
        source=source, kind=kind, subject=subject, note=note[:500], created_by=actor, until=until
    )


def send_reminders(now: datetime) -> int:
    """Tell what nobody has heard of yet, and remind of critical alerts; how many were told.

    An alert is unheard of where it was raised under a silence, or before anybody listened.
    """
    waiting = Alert.objects.filter(state=Alert.State.OPEN)
    unheard = waiting.filter(told_at=None).values_list("pk", flat=True)
    due = waiting.filter(severity=CRITICAL, told_at__lte=now - REMINDER_INTERVAL)
    told = sum(_tell(alert_id, now) for alert_id in unheard)
    return told + sum(_remind(alert_id, now) for alert_id in due.values_list("pk", flat=True))


@transaction.atomic
def send_digest(now: datetime) -> int:
    """Write the list of open alerts to those who take it; once a day, however often called."""
    waiting = Alert.objects.exclude(state=Alert.State.RESOLVED)
    listed = [_told(alert) for alert in waiting.order_by("first_seen_at", "pk")[:MOST_LISTED]]
    if not listed:
        return 0
    listed.sort(key=lambda alert: -rank(alert["severity"]))
    day = now.astimezone(UTC).date().isoformat()
    return outbox.enqueue_digest(
        words.digest_message(f"digest:{day}", listed, now.isoformat()), now
    )


def delete_old_alerts(now: datetime) -> int:
    """Forget what was over a year ago, a batch at a time; how many rows went."""
    over = Alert.objects.filter(state=Alert.State.RESOLVED, resolved_at__lt=now - RETENTION)
    return forget(over) + forget(Silence.objects.filter(until__lt=now - RETENTION))


# --- Parts ------------------------------------------------------------------------------------
def _known(source: str, kind: str, subject: str) -> Fingerprint:
    """As the columns hold it."""
    return Fingerprint(legible(source)[:100], legible(kind)[:100], legible(subject)[:200])


def _of(known: Fingerprint) -> QuerySet[Alert]:
    return Alert.objects.filter(source=known.source, kind=known.kind, subject=known.subject)


def _locked(rows: QuerySet[Alert]) -> QuerySet[Alert]:
    return rows.select_for_update().order_by("-pk")


def _locked_open(known: Fingerprint) -> Alert:
    return _locked(_of(known).exclude(state=Alert.State.RESOLVED)).get()


def _standing(known: Fingerprint, now: datetime) -> Alert | None:
    """The open alert, or the one that ended so lately that it counts as never ended; locked."""
    alert = _locked(_of(known).exclude(state=Alert.State.RESOLVED)).first()
    if alert is not None:
        return alert
    lately = _of(known).filter(
        state=Alert.State.RESOLVED, resolved_at__gte=now - REOPENED_WITHIN, resolved_at__lte=now
    )
    alert = _locked(lately).first()
    if alert is not None:
        alert.state = Alert.State.OPEN
        alert.resolved_at = alert.acknowledged_at = None
        alert.resolved_by = alert.acknowledged_by = ""
    return alert


def _opened(known: Fingerprint, seen: dict[str, Any]) -> Alert | None:
    """A new row; None where another writer came first."""
    try:
        with transaction.atomic():
            return Alert.objects.create(
                source=known.source,
                kind=known.kind,
                subject=known.subject,
                first_seen_at=seen["last_seen_at"],
                **seen,
            )
    except IntegrityError:
        return None


def _again(alert: Alert, seen: dict[str, Any], now: datetime) -> None:
    """Count it; where it became graver, tell once more, whoever acknowledged the lesser one."""
    is_graver = rank(seen["severity"]) > rank(alert.severity)
    alert.count += 1
    alert.message, alert.link, alert.last_seen_at = seen["message"], seen["link"], now
    if is_graver:
        alert.severity = seen["severity"]
        alert.state = Alert.State.OPEN
        alert.told_at = None  # of this, nobody was told
    alert.save()
    if is_graver:
        _post(alert, words.ESCALATED, alert.severity, now)


def _unresolved(alert_id: int) -> Alert:
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    if alert.state == Alert.State.RESOLVED:
        raise WrongStep(f"{alert} was resolved by {alert.resolved_by} already.")
    return alert


def _resolve(alert: Alert, actor: str, now: datetime) -> None:
    alert.state = Alert.State.RESOLVED
    alert.resolved_at = now
    alert.resolved_by = actor
    alert.save()
    if not _silenced(alert, now):
        outbox.enqueue_follow_up(
            f"alert:{alert.pk}:", _letter(alert, words.RESOLVED, "resolved", now), now
        )


@transaction.atomic
def _tell(alert_id: int, now: datetime) -> int:
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    if alert.state != Alert.State.OPEN or alert.told_at is not None:
        return 0
    return _post(alert, words.OPENED, alert.severity, now)


@transaction.atomic
def _remind(alert_id: int, now: datetime) -> int:
    """Remind, under a key that names the telling before, so that two at once write one."""
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    told_at = alert.told_at
    if alert.state != Alert.State.OPEN or told_at is None or told_at > now - REMINDER_INTERVAL:
        return 0
    mark = f"reminder-{told_at.astimezone(UTC):%Y%m%dT%H%M%S}"
    return _post(alert, words.REMINDER, mark, now)


def _post(alert: Alert, event: str, mark: str, now: datetime) -> int:
    """Tell everyone who listens for this severity, unless a silence holds it back; 1 if told."""
    if _silenced(alert, now):
        return 0
    told = outbox.enqueue_alert(_letter(alert, event, mark, now), alert.severity, now)
    if told:
        alert.told_at = now
        alert.save(update_fields=["told_at"])
    return min(1, told)


def _letter(alert: Alert, event: str, mark: str, now: datetime) -> OutgoingMessage:
    return words.event_message(f"alert:{alert.pk}:{mark}", event, _told(alert), now.isoformat())


def _told(alert: Alert) -> dict[str, Any]:
    return {
        "source": alert.source,
        "kind": alert.kind,
        "subject": alert.subject,
        "title": str(alert),
        "severity": alert.severity,
        "state": alert.state,
        "message": alert.message,
        "link": words.absolute_url(alert.link, settings.PUBLIC_URL),
        "path": alert.link,
        "count": alert.count,
        "first_seen_at": alert.first_seen_at.astimezone(UTC).isoformat(),
        "last_seen_at": alert.last_seen_at.astimezone(UTC).isoformat(),
    }


def _silenced(alert: Alert, now: datetime) -> bool:
    known = alert.fingerprint
    return any(each.matches(known) for each in Silence.objects.filter(until__gt=now))


def _literal(text: str) -> str:
    """A pattern that matches this text only."""
    return "".join(f"[{each}]" if each in "*?[" else each for each in text)
