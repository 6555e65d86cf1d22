"""Before restoring: check the KEKs. After it: report what does not decrypt or is lost.

What was ended since the back-up was made would work again: sessions, links for passwords, revoked
API keys and people who were switched off are ended once more.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F

from aethercrown.backup.hooks import BackupHook
from aethercrown.formatting import counted
from security.access import reports as people
from security.access.models import PasswordLink, SetupLink, User
from security.apikeys import services as apikeys
from security.apikeys.models import ApiKey
from security.audit import anchor_files
from security.audit import reports as audit
from security.audit import services as events
from security.audit.anchors import RESTORED, latest_ends
from security.audit.verify import EMPTY_STREAM, StreamEnd
from security.encryption import reports as encryption
from security.encryption.reports import system_secrets
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.reports import LIVE_STATES
from security.rotation.services import orders

MAX_FAULTS_NAMED = 5
KEY_STREAM_PREFIX = "key:"
STALE_VALUE = (
    " Its value may be in use in a newer version outside: compare, and enter the new value or "
    "rotate it."
)


def needs() -> dict[str, Any]:
    """The ids of the KEKs that stored secrets are under; never a key."""
    return {"keks": sorted(kid for kid, rows in encryption.rows_by_kek().items() if rows)}


def refusals(needed: Any) -> list[str]:
    """The needed KEKs that are not in ENCRYPTION_KEYS."""
    known = encryption.keyring().keys
    missing = [kid for kid in (needed or {}).get("keks", []) if kid not in known]
    return [f"ENCRYPTION_KEYS lacks {kid}, which its secrets need" for kid in missing]


def finalize(now: datetime, _needs: Any) -> list[str]:
    """End sessions, release every key's lease, report lost events, anchor the restored ends."""
    system_secrets.clear_cache()
    Session.objects.all().delete()
    _end_links(now)
    ManagedSecret.objects.update(lease_until=None, fencing_token=F("fencing_token") + 1)
    notes = [*encryption.problems(), *lost_events()]
    if ended := orders.end_restored(now):
        notes.append(f"{counted(ended, 'ordered rotation')} ended: ask again if still wanted.")
    events.restore_anchors(settings.AUDIT_ANCHORS)
    with transaction.atomic():
        detail = {"streams": len(audit.stream_ends()), "notes": len(notes)}
        events.record(stream="admin", event="backup.restored", subject="database", detail=detail)
    events.anchor(now, kind=RESTORED)
    faults = [*audit.chain_faults(), *audit.history_faults()]
    return [*notes, *(f"The audit is wrong: {fault}" for fault in faults[:MAX_FAULTS_NAMED])]


def _end_links(now: datetime) -> None:
    """Links for passwords may have been used since, and each works once."""
    PasswordLink.objects.filter(used_at=None).update(used_at=now)
    SetupLink.objects.all().delete()


def lost_events() -> list[str]:
    """Streams whose events the anchor files know, and the restored chain has not."""
    anchored = latest_ends(anchor_files.read_all(settings.AUDIT_ANCHORS))
    ends = audit.stream_ends()
    pairs = (
        (stream, ends.get(stream, EMPTY_STREAM), anchored[stream]) for stream in sorted(anchored)
    )
    return [_rewind(stream, here, end) for stream, here, end in pairs if here.seq < end.seq]


def _rewind(stream: str, restored: StreamEnd, anchored: StreamEnd) -> str:
    stale = STALE_VALUE if stream.startswith(KEY_STREAM_PREFIX) else ""
    return (
        f"Rewind: {stream} goes to {restored.seq} ({restored.hash[:12]}), and anchors hold "
        f"{anchored.seq} ({anchored.hash[:12]}).{stale}"
    )


def snapshot() -> dict[str, Any]:
    """Which version of each managed key is in use, and which keys and people were ended.

    An API key and a person are told by their number and their first moment: the back-up may be of
    another installation. All of it as JSON has it.
    """
    used = SecretVersion.objects.filter(state=SecretVersion.State.CURRENT)
    ended = ManagedSecret.objects.exclude(state__in=LIVE_STATES)
    revoked = ApiKey.objects.exclude(revoked_at=None)
    return {
        "versions": dict(used.values_list("key__key_id", "number")),
        "ended": [str(each) for each in ended.values_list("uuid", flat=True)],
        "revoked": _numbered(revoked.values_list("pk", "created_at")),
        "switched_off": _numbered(
            User.objects.filter(is_active=False).values_list("pk", "date_joined")
        ),
        "roles": [[*_number(each), _roles(each)] for each in people.all_people()],
    }


def _number(person: User) -> list[Any]:
    return [person.pk, person.date_joined.isoformat()]


def _roles(person: User) -> list[str]:
    """What a person holds, by name."""
    names = [each.name for each in person.groups.all()]
    return sorted([*names, "superuser"] if person.is_superuser else names)


def _numbered(rows: Iterable[tuple[int, datetime]]) -> list[list[Any]]:
    return [[number, moment.isoformat()] for number, moment in rows]


def compare(before: dict[str, Any]) -> list[str]:
    """What changed after the back-up was made, so that the restored rows are out of date.

    What was ended and would work again is ended here.
    """
    restored = snapshot()["versions"]
    notes = [
        f"{name} was rotated since: version {number} is in use outside, and version "
        f"{restored[name]} is here. Enter the value in use, or rotate it."
        for name, number in sorted(before["versions"].items())
        if name in restored and restored[name] != number
    ]
    lost = sorted(set(before["versions"]) - set(restored))
    notes += [f"{name} was registered since, and its value is not here." for name in lost]
    again = ManagedSecret.objects.filter(uuid__in=before["ended"], state__in=LIVE_STATES)
    notes += [f"{key} was revoked since, and is here again: revoke it." for key in again]
    notes += _revoked_again(before["revoked"])
    return [*notes, *_switched_off_again(before), *_raised_again(before.get("roles", []))]


def _revoked_again(revoked: Sequence[list[Any]]) -> Iterator[str]:
    for key in ApiKey.objects.filter(revoked_at=None).order_by("pk"):
        if [key.pk, key.created_at.isoformat()] in revoked:
            apikeys.revoke(key.pk)
            yield f"API key {key} was revoked since, and is revoked again."


def _switched_off_again(before: dict[str, Any]) -> Iterator[str]:
    """People who were switched off; of a superuser only a note, so that somebody can sign in."""
    for person in User.objects.filter(is_active=True).order_by("pk"):
        if [person.pk, person.date_joined.isoformat()] not in before["switched_off"]:
            continue
        if person.is_superuser:
            yield f"{person} was switched off since, and may sign in again: switch it off."
            continue
        person.is_active = False
        person.save(update_fields=["is_active"])
        yield f"{person} was switched off since, and is switched off again."


def _raised_again(before: Sequence[list[Any]]) -> Iterator[str]:
    """People who hold again what was withdrawn; a person withdraws it, or nobody might be left."""
    held = {(pk, joined): set(names) for pk, joined, names in before}
    for person in people.all_people().filter(is_active=True):
        again = sorted(set(_roles(person)) - held.get(tuple(_number(person)), set(_roles(person))))
        if again:
            yield f"{person} holds again what was withdrawn since: {', '.join(again)}. Withdraw it."


BACKUP_HOOK = BackupHook(
    "security",
    needs=needs,
    refusals=refusals,
    finalize=finalize,
    snapshot=snapshot,
    compare=compare,
)
