"""API keys that end soon, those under an old pepper, and what people may hand out."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from aethercrown.history.attribution import user_actor
from aethercrown.search import row_source
from security.access.models import User
from security.apikeys import scopes, states, token
from security.apikeys.models import ApiKey
from security.encryption.reports import system_secrets


def count_under_old_pepper() -> int:
    """How many live keys have a digest under another pepper than the active one."""
    active = token.pepper_id(system_secrets.current(system_secrets.PEPPER).value)
    return keys_under_other_peppers(active, timezone.now()).count()


def keys_under_other_peppers(pepper_id: str, now: datetime) -> QuerySet[ApiKey]:
    """Live keys whose digest is under another pepper than that one."""
    ended = Q(expires_at__lte=now) | Q(retire_at__lte=now)
    return ApiKey.objects.filter(revoked_at=None).exclude(pepper_id=pepper_id).exclude(ended)


def ending(now: datetime, within: timedelta) -> list[ApiKey]:
    """Live keys that end within `within`, the next one first."""
    until = now + within
    live = Q(revoked_at=None) & (Q(retire_at=None) | Q(retire_at__gt=now))
    live &= Q(expires_at=None) | Q(expires_at__gt=now)
    rows = ApiKey.objects.filter(live, Q(retire_at__lte=until) | Q(expires_at__lte=until))
    return sorted(rows, key=ends_at)


def ends_at(key: ApiKey) -> datetime:
    """When a key with an end ends."""
    return min(at for at in (key.retire_at, key.expires_at) if at is not None)


def creator_of(actor: str) -> str:
    """`user:<name>` of the person who made the key `key:<id> <name>`; `key:<id>` if none did."""
    key = _key_of(actor)
    text = actor.removeprefix("key:").partition(" ")[0]
    return user_actor(key.created_by) if key and key.created_by else f"key:{text}"


def _key_of(actor: str) -> ApiKey | None:
    """The key of an actor `key:<id> <name>`."""
    text = actor.removeprefix("key:").partition(" ")[0]
    rows = ApiKey.objects.filter(pk=text) if text.isascii() and text.isdecimal() else None
    return rows.select_related("created_by").first() if rows is not None else None


def may_approve(actor: str) -> bool:
    """Whether the key `key:<id> <name>` has the scope to approve, and its maker may still."""
    key = _key_of(actor)
    if key is None or scopes.APPROVE not in key.scopes:
        return False
    return key.created_by is None or scopes.APPROVE in held_now(key.created_by.pk)


def makers_of(actor: str) -> frozenset[str]:
    """The accounts of all who ever answered for the key `key:<id> <name>` or its predecessors.

    Whoever made a key may know its text, although somebody else took it over or renewed it.
    """
    text = actor.removeprefix("key:").partition(" ")[0]
    if not (text.isascii() and text.isdecimal()):
        return frozenset({actor})
    line, newest = {int(text)}, {int(text)}
    while newest:  # a key replaces at most one, so the line has no ring
        rows = ApiKey.objects.filter(replaced_by__in=newest).values_list("pk", flat=True)
        newest = set(rows) - line
        line |= newest
    makers = set(ApiKey.objects.filter(pk__in=line).values_list("created_by_id", flat=True))
    makers |= set(ApiKey.history.filter(id__in=line).values_list("created_by_id", flat=True))
    found = {f"account:{each}" for each in makers if each is not None}
    return frozenset(found or {f"key:{text}"})


def held_scopes(person: User) -> frozenset[str]:
    """The scopes that this person may give to a key: what they could do themselves."""
    return scopes.held_by(person.get_all_permissions())


def held_now(person_id: int) -> frozenset[str]:
    """What this person may give to a key at the moment; nothing once switched off."""
    person = User.objects.filter(pk=person_id, is_active=True).first()
    return held_scopes(person) if person is not None else frozenset()


def why_refused(caller: str) -> str:
    """Why no job of this caller runs: its key has ended, or the person is switched off or gone."""
    kind, _, number = caller.partition(":")
    if not number.isdecimal():
        return ""
    if kind == "key":
        key = ApiKey.objects.filter(pk=number).first()
        is_live = key is not None and key.state(timezone.now()) in states.LIVE
        return "" if is_live else "The API key that started it has ended."
    if kind == "account" and not User.objects.filter(pk=number, is_active=True).exists():
        return "The person who started it is switched off or gone."
    return ""


def beyond_their_makers(now: datetime) -> list[tuple[ApiKey, User, frozenset[str]]]:
    """Active keys that open more than the person who made them may do now; that person; what."""
    made = ApiKey.objects.filter(revoked_at=None, retire_at=None)
    live = made.exclude(expires_at__lte=now).select_related("created_by").order_by("pk")
    held: dict[int, frozenset[str]] = {}
    found = []
    for key in live:
        maker = key.created_by
        if maker is None:
            continue
        if maker.pk not in held:
            held[maker.pk] = held_now(maker.pk)
        if lacking := frozenset(key.scopes) - held[maker.pk]:
            found.append((key, maker, lacking))
    return found


SEARCH = row_source(
    "API keys",
    ApiKey.objects.all,
    ("name", "last4"),
    note=lambda key: "revoked" if key.revoked_at else "",
)
