"""Raise, resolve, acknowledge and silence alerts, and write their messages.

Each function is one transaction. A message is written in the transaction of its event under a key
that names the event, so that a repeated call writes no second one.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from aethercrown.db.bulk import among, forget
from aethercrown.history.attribution import AUTOMATIC, shown_actor
from aethercrown.monitoring import redaction
from aethercrown.severity import CRITICAL, rank
from aethercrown.text import storable_text
from aethercrown.transitions import InvalidTransition
from operations.alerts import event_messages, last_word
from operations.alerts.models import Alert, Silence
from operations.alerts.reports import RETENTION
from operations.messaging import services as messaging
from operations.messaging.message import OutgoingMessage

REOPEN_WITHIN = timedelta(minutes=10)
TOLD_WITHIN = timedelta(hours=1)  # of the end: later nothing of it is held back
HELD_BACK_WITHIN = timedelta(days=1)  # of the end: as long as nothing may have run
AHEAD_AFTER = timedelta(minutes=1)  # told later than this after now: by a clock set back
REMINDER_INTERVAL = timedelta(hours=24)
MAX_MESSAGE_CHARACTERS = 2_000
MAX_DIGEST_ALERTS = 200
SENT_COLUMNS = ("source", "kind", "subject", "severity", "state", "message", "count")


@transaction.atomic
def raise_alert(
    source: str,
    kind: str,
    subject: str,
    severity: str,
    message: str,
    *,
    key: str = "",
    link: str = "",
    now: datetime,
) -> Alert:
    """Report that something is wrong. Messages are written once, and again if `severity` rises.

    Within ten minutes of its end the same alert is reopened, which is told too. `key` tells
    subjects apart whose name may change; by default it is the subject. Raises ValueError for an
    unknown severity.
    """
    rank(severity)
    fingerprint = _fingerprint(source, kind, key or subject)
    seen = {
        "subject": storable_text(subject[:200]),
        "severity": severity,
        "message": storable_text(redaction.text(message))[:MAX_MESSAGE_CHARACTERS],
        "link": link[:500],
        "last_seen_at": now,
    }
    alert = _open_or_reopened(fingerprint, now)
    if alert is None:
        alert = _create(fingerprint, seen)
        if alert is not None:
            tell(alert, now)
            return alert
        alert = _lock(fingerprint).exclude(state=Alert.State.RESOLVED).get()
    _count_again(alert, seen, now)
    return alert


@transaction.atomic
def resolve(source: str, kind: str, key: str, *, now: datetime) -> Alert | None:
    """The source reports that it is over; None if nothing was open, which is the usual case."""
    fingerprint = _fingerprint(source, kind, key)
    alert = _lock(fingerprint).exclude(state=Alert.State.RESOLVED).first()
    if alert is not None:
        _resolve(alert, AUTOMATIC, now)
    return alert


@transaction.atomic
def close(alert_id: int, *, actor: str, note: str = "", now: datetime) -> Alert:
    """A person resolves it; InvalidTransition if it is resolved already."""
    alert = _lock_unresolved(alert_id)
    alert.note = note or alert.note
    _resolve(alert, actor, now)
    return alert


@transaction.atomic
def acknowledge(alert_id: int, *, actor: str, note: str = "", now: datetime) -> Alert:
    """A person takes it on: reminders end. InvalidTransition unless it is open."""
    alert = _lock_unresolved(alert_id)
    if alert.state == Alert.State.ACKNOWLEDGED:
        raise InvalidTransition(f"{alert} was acknowledged by {alert.acknowledged_by} already.")
    alert.state = Alert.State.ACKNOWLEDGED
    alert.acknowledged_at = now
    alert.acknowledged_by = actor
    alert.note = note
    alert.save()
    return alert


def silence(alert_id: int, *, actor: str, note: str = "", until: datetime) -> Silence:
    """Hold back the messages of this alert until then."""
    alert = Alert.objects.get(pk=alert_id)
    source, kind, subject = map(_escape_pattern, (alert.source, alert.kind, alert.subject))
    return Silence.objects.create(
        source=source,
        kind=kind,
        subject=subject,
        key=alert.key,
        note=note[:500],
        created_by=actor,
        until=until,
    )


def send_reminders(now: datetime) -> int:
    """Write what destinations have not heard yet, and reminders of critical alerts; how many.

    What was held back is told when a silence has ended, when there is a first destination, when
    a destination is switched on again, or when an alert that opened and ended again and again has
    been steady for ten minutes.
    """
    alerts = Alert.objects.exclude(state=Alert.State.RESOLVED).values_list("pk", flat=True)
    was_ahead = Q(notified_at__gt=now + AHEAD_AFTER)
    is_due = Q(notified_at__lte=now - REMINDER_INTERVAL) | was_ahead
    reminded = sum(
        _remind(alert_id, now) for alert_id in list(alerts.filter(is_due, severity=CRITICAL))
    )
    returned = messaging.returned_destinations()
    unsure = {*alerts, *_ended_untold(now), *_ended_heard_by(returned)}
    told = sum(_tell_again(alert_id, now) for alert_id in sorted(unsure))
    messaging.mark_told(returned)
    return reminded + told


def _ended_untold(now: datetime) -> QuerySet[Alert, int]:
    """The alerts that ended lately, and longer ago those whose end nobody was told."""
    is_untold = Q(notified_at=None) | Q(notified_at__lt=F("resolved_at"))
    is_late = Q(resolved_at__gt=now - TOLD_WITHIN)
    lately = is_late | is_untold & Q(resolved_at__gt=now - HELD_BACK_WITHIN)
    rows = Alert.objects.filter(lately, state=Alert.State.RESOLVED)
    return rows.values_list("pk", flat=True)


def _ended_heard_by(returned: Collection[int]) -> list[int]:
    """The resolved alerts of which destinations heard that were off, perhaps when these ended."""
    if not returned:
        return []
    keys = messaging.keys_heard(event_messages.ALERT_KEY, returned)
    heard = {int(key.split(":")[1]) for key in keys}
    ended = Alert.objects.filter(state=Alert.State.RESOLVED, pk__in=among(sorted(heard)))
    return list(ended.values_list("pk", flat=True))


@transaction.atomic
def send_digest(now: datetime) -> int:
    """Write the daily list of unresolved alerts; once a day, however often called."""
    waiting = Alert.objects.exclude(state=Alert.State.RESOLVED)
    listed = [
        _to_dict(alert) for alert in waiting.order_by("first_seen_at", "pk")[:MAX_DIGEST_ALERTS]
    ]
    if not listed:
        return 0
    listed.sort(key=lambda alert: -rank(alert["severity"]))
    day = now.astimezone(UTC).date().isoformat()
    message = event_messages.digest_message(f"digest:{day}", listed, now.isoformat())
    return messaging.enqueue(message, now, takes_digest=True)


def delete_old_alerts(now: datetime) -> int:
    """Delete alerts and silences that ended over a year ago; returns how many."""
    over = Alert.objects.filter(state=Alert.State.RESOLVED, resolved_at__lt=now - RETENTION)
    return forget(over) + forget(Silence.objects.filter(until__lt=now - RETENTION))


def _fingerprint(source: str, kind: str, key: str) -> dict[str, str]:
    """The identity of an alert, as the columns store it: never its text, which may vary."""
    texts = {"source": source[:100], "kind": kind[:100], "key": key[:200]}
    return {name: storable_text(text) for name, text in texts.items()}


def _lock(fingerprint: Mapping[str, str]) -> QuerySet[Alert]:
    return Alert.objects.filter(**fingerprint).select_for_update().order_by("-pk")


def _open_or_reopened(fingerprint: Mapping[str, str], now: datetime) -> Alert | None:
    """The unresolved alert, or one resolved within REOPEN_WITHIN, opened again; locked."""
    alert = _lock(fingerprint).exclude(state=Alert.State.RESOLVED).first()
    if alert is not None:
        return alert
    recent = _lock(fingerprint).filter(state=Alert.State.RESOLVED)
    alert = recent.filter(resolved_at__gte=now - REOPEN_WITHIN, resolved_at__lte=now).first()
    if alert is not None:
        alert.state = Alert.State.OPEN
        alert.resolved_at = alert.acknowledged_at = None
        alert.resolved_by = alert.acknowledged_by = ""
        alert.transition, alert.changed_at = alert.transition + 1, now
        alert.notified_at = None  # news, also to who has heard nothing of it yet
    return alert


def _create(fingerprint: Mapping[str, str], seen: dict[str, Any]) -> Alert | None:
    """A new row; None if another transaction created it first."""
    try:
        with transaction.atomic():
            at = seen["last_seen_at"]
            return Alert.objects.create(first_seen_at=at, changed_at=at, **fingerprint, **seen)
    except IntegrityError:
        return None


def _count_again(alert: Alert, seen: dict[str, Any], now: datetime) -> None:
    """Count it; if its severity rose, open it; write what destinations have not heard."""
    has_risen = rank(seen["severity"]) > rank(alert.severity)
    alert.count += 1
    alert.message, alert.link, alert.last_seen_at = seen["message"], seen["link"], now
    is_reopened = alert.changed_at == now
    alert.subject = seen["subject"]
    if has_risen:
        alert.severity = seen["severity"]
        alert.state = Alert.State.OPEN
        alert.transition += 1
        alert.notified_at = None  # news, also to who takes none of lower severity
    alert.save()
    if has_risen or is_reopened:
        tell(alert, now)


def _lock_unresolved(alert_id: int) -> Alert:
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    if alert.state == Alert.State.RESOLVED:
        raise InvalidTransition(
            f"{alert} was resolved by {shown_actor(alert.resolved_by)} already."
        )
    return alert


def _resolve(alert: Alert, actor: str, now: datetime) -> None:
    alert.state = Alert.State.RESOLVED
    alert.resolved_at = now
    alert.resolved_by = actor
    alert.transition, alert.changed_at = alert.transition + 1, now
    alert.save()
    tell(alert, now)


@transaction.atomic
def _tell_again(alert_id: int, now: datetime) -> int:
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    return tell(alert, now)


def tell(alert: Alert, now: datetime) -> int:
    """Write to each destination what differs from the last word it heard; 1 if any, else 0.

    A silence holds back what is wrong, never that it is over. The caller has locked the alert.
    """
    heard = messaging.words_heard(f"{event_messages.ALERT_KEY}{alert.pk}:")
    is_steady = now - (alert.changed_at or alert.first_seen_at) >= REOPEN_WITHIN
    is_over = alert.state == Alert.State.RESOLVED
    is_news = alert.notified_at is None
    by_event: dict[str, list[int]] = {}
    for destination in messaging.alert_destinations(alert.severity, heard):
        words = heard.get(destination, ())
        if is_over:
            event = last_word.when_over(words, is_steady=is_steady)
        elif not words and not is_news:
            event = ""  # a destination that is newer than the alert
        else:
            event = last_word.when_open(words, alert.severity, now, is_steady=is_steady)
        if event:
            by_event.setdefault(event, []).append(destination)
    if not by_event or (not is_over and _silenced(alert, now)):
        return 0
    for event, destinations in by_event.items():
        message = _message(alert, event, f"{alert.transition}:{event}", now)
        messaging.enqueue(message, now, pk__in=destinations)
    alert.notified_at = now
    alert.save(update_fields=["notified_at"])
    return 1


@transaction.atomic
def _remind(alert_id: int, now: datetime) -> int:
    """Write a reminder, under a key with the time of the last message: two at once write one."""
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    last = alert.notified_at
    if alert.state != Alert.State.OPEN or last is None:
        return 0
    if now - REMINDER_INTERVAL < last <= now + AHEAD_AFTER:
        return 0
    key = f"reminder-{last.astimezone(UTC):%Y%m%dT%H%M%S}"
    if _silenced(alert, now):
        return 0
    message = _message(alert, event_messages.REMINDER, key, now)
    if messaging.enqueue_alert(message, alert.severity, now):
        alert.notified_at = now
        alert.save(update_fields=["notified_at"])
        return 1
    return 0


def _message(alert: Alert, event: str, key: str, now: datetime) -> OutgoingMessage:
    return event_messages.event_message(
        f"{event_messages.ALERT_KEY}{alert.pk}:{key}", event, _to_dict(alert), now.isoformat()
    )


def _to_dict(alert: Alert) -> dict[str, Any]:
    return {
        **{name: getattr(alert, name) for name in SENT_COLUMNS},
        "title": str(alert),
        "link": event_messages.absolute_url(alert.link, settings.PUBLIC_URL),
        "path": alert.link,
        "first_seen_at": alert.first_seen_at.astimezone(UTC).isoformat(),
        "last_seen_at": alert.last_seen_at.astimezone(UTC).isoformat(),
    }


def _silenced(alert: Alert, now: datetime) -> bool:
    return any(each.matches(alert) for each in Silence.objects.filter(until__gt=now))


def _escape_pattern(text: str) -> str:
    """A pattern that matches this text only."""
    return "".join(f"[{each}]" if each in "*?[" else each for each in text)
