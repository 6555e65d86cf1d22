"""Which keys can be rotated without a person, and who is known to use a value."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from aethercrown.formatting import moment_text
from security.apikeys import states
from security.apikeys.models import ApiKey
from security.rotation.models import KeyChannel, ManagedSecret, SecretBinding, SecretVersion
from security.rotation.registry import CredentialIssuer, channels, rotators

MAX_SUCCESSORS = 1000  # of one API key that are followed
NOBODY_RECORDED = "Nothing records who uses it"


def rotating_themselves() -> QuerySet[ManagedSecret]:
    """Keys whose new value is known to reach its users: every channel was tested.

    A rotator that delivers to the value's own user counts once that was proved. A value that is
    pulled reaches nobody once the API key that may ask, and its successors, have ended.
    """
    automatic = [each.name for each in rotators if each.automatic]
    delivering = [each.name for each in rotators if each.automatic and each.delivers]
    of_key = KeyChannel.objects.filter(key=OuterRef("pk"))
    delivered = Q(rotator__in=delivering, delivery_tested_at__isnull=False)
    rows = ManagedSecret.objects.filter(rotator__in=automatic)
    rows = rows.filter(delivered | Q(Exists(of_key)))
    return rows.exclude(Exists(of_key.filter(Q(tested_at=None) | Q(pk__in=unread_channels()))))


def unread_channels() -> list[int]:
    """The pull channels that nobody can ask any more."""
    now = timezone.now()
    ended = Q(api_key__revoked_at__lte=now) | Q(api_key__expires_at__lte=now)
    ended |= Q(api_key__retire_at__lte=now)
    pulled = KeyChannel.objects.filter(ended, kind=KeyChannel.Kind.PULL).select_related("api_key")
    return [each.pk for each in pulled if not _has_live_successor(each.api_key, now)]


def _has_live_successor(ended: ApiKey | None, now: datetime) -> bool:
    seen, key = 0, ended
    while key is not None and key.state(now) not in states.LIVE and seen < MAX_SUCCESSORS:
        key, seen = ApiKey.objects.filter(replaces=key).first(), seen + 1
    return key is not None and key.state(now) in states.LIVE


def may_rotate_itself(key: ManagedSecret) -> bool:
    return rotating_themselves().filter(pk=key.pk).exists()


def may_config_be_changed_by_api(key: ManagedSecret) -> bool:
    """Not where security staff decided where it is used, nor where the config grants something."""
    is_bound = SecretBinding.objects.filter(key=key).exists()
    is_issued = isinstance(rotators.get(key.rotator), CredentialIssuer)
    return not (is_bound or is_issued or KeyChannel.objects.filter(key=key).exists())


def acts_outside(key: ManagedSecret) -> bool:
    """Whether rotating the key calls or writes something outside the platform."""
    acting = [each.name for each in channels if each.acts]
    own = rotators.get(key.rotator).has_target
    return own or KeyChannel.objects.filter(key=key, kind__in=acting).exists()


def readers_of(version: SecretVersion) -> list[str]:
    """Whose last read through a pull channel was of this version, in words."""
    readers = KeyChannel.objects.filter(key=version.key, read_version=version.number)
    return [
        f"{each.name} last asked for it on {moment_text(each.read_at)}"
        for each in readers.exclude(read_at=None).order_by("name")
    ]


def last_use(version: SecretVersion) -> str:
    """Who is known to have used a value last."""
    found = readers_of(version)
    issued = ApiKey.objects.filter(pk=version.detail.get("api_key"), last_used_at__isnull=False)
    found += [f"{each} was last used on {moment_text(each.last_used_at)}" for each in issued]
    return "; ".join(found) or NOBODY_RECORDED
