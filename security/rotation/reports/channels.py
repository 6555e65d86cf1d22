"""Which keys can be rotated without a person, and who is known to use a value."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from aethercrown.formatting import moment_text
from security.apikeys.models import ApiKey
from security.rotation.models import KeyChannel, ManagedSecret, SecretBinding, SecretVersion
from security.rotation.registry import CredentialIssuer, channels, rotators

NOBODY_RECORDED = "Nothing records who uses it"


def rotating_themselves() -> QuerySet[ManagedSecret]:
    """Keys whose new value is known to reach its users: every channel was tested.

    A rotator that delivers to the value's own user counts once that was proved.
    """
    automatic = [each.name for each in rotators if each.automatic]
    delivering = [each.name for each in rotators if each.automatic and each.delivers]
    of_key = KeyChannel.objects.filter(key=OuterRef("pk"))
    delivered = Q(rotator__in=delivering, delivery_tested_at__isnull=False)
    rows = ManagedSecret.objects.filter(rotator__in=automatic)
    rows = rows.filter(delivered | Q(Exists(of_key)))
    return rows.exclude(Exists(of_key.filter(tested_at=None)))


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
