"""People, keys and seals as `manage.py doctor` tells of them; never a secret."""

from collections.abc import Iterator
from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.utils import timezone

from aethercrown.monitoring.doctor import BAD, CAUTION, GOOD, Finding, Look
from security.access.models import User
from security.apikeys.models import ApiKey
from security.encryption import services as envelope
from security.encryption.services import system_secrets as system
from security.rotation import reports as rotation

SOON = timedelta(days=7)
OWN = (
    ("API_KEY_PEPPER", system.PEPPER, "manage.py renew_pepper makes another."),
    ("AUDIT_KEY", system.AUDIT_KEY, "The audit's anchors keep theirs for good."),
)


def people() -> Iterator[Finding]:
    """Whether somebody administers, each with a second factor where one is demanded."""
    bosses = User.objects.filter(is_superuser=True, is_active=True)
    enrolled = Authenticator.objects.values("user_id")
    lacking = list(bosses.exclude(pk__in=enrolled).values_list("username", flat=True))
    if not bosses.exists():
        yield Finding(CAUTION, "Nobody administers yet.", "manage.py setup_link")
    elif lacking and settings.SECOND_FACTOR_REQUIRED:
        told = f"Without a second factor, and so closed out until they set one up: {len(lacking)}."
        yield Finding(CAUTION, told, f"They sign in and set one up: {', '.join(lacking)}.")
    else:
        yield Finding(GOOD, f"{bosses.count()} administer.")


def seals() -> Iterator[Finding]:
    """Whether every key-encryption key is there and right."""
    found = envelope.problems()
    for each in found:
        yield Finding(BAD, each, "Correct ENCRYPTION_KEYS from the copy kept apart.")
    if not found:
        yield Finding(GOOD, "Every sealed secret can be opened.")
        yield from taken_over()


def taken_over() -> Iterator[Finding]:
    """Settings that were read once, by the first migrate, and say something else by now."""
    for setting, name, mend in OWN:
        said = getattr(settings, setting)
        if said and said not in system.current(name).values:
            told = f"{setting} is not what the platform holds, and is not read any more."
            yield Finding(CAUTION, told, f"Remove it. {mend}")


def keys() -> Iterator[Finding]:
    """Managed keys that are overdue or fail, and API keys that end soon."""
    now = timezone.now()
    told = rotation.report(now)
    if late := told["overdue"]:
        words = f"{late} of {told['total_keys']} managed keys are overdue."
        yield Finding(CAUTION, words, "Their list in the admin says why; rotate them there.")
    if failing := told["failing_keys"]:
        words = f"{len(failing)} managed keys failed to rotate: {', '.join(failing[:5])}."
        yield Finding(BAD, words, "Each key's page in the admin says what its target answered.")
    ending = ApiKey.objects.filter(revoked_at=None, expires_at__range=(now, now + SOON)).count()
    if ending:
        words = f"{ending} API keys end within {SOON.days} days."
        yield Finding(CAUTION, words, "Rotate them in the admin, or tell those who use them.")
    if not (late or failing or ending):
        yield Finding(GOOD, f"{told['total_keys']} managed keys, none overdue.")


LOOKS = (
    Look("people", "People", people),
    Look("seals", "Seals", seals),
    Look("keys", "Keys", keys),
)
