"""`manage.py doctor`: whether the key-encryption keys fit, and settings that are not read."""

from collections.abc import Iterator

from django.conf import settings

from aethercrown.monitoring.doctor import BAD, CAUTION, GOOD, DoctorCheck, Finding
from security.encryption.reports import problems, system_secrets

IMPORTED_SETTINGS = (
    ("API_KEY_PEPPER", system_secrets.PEPPER, "./manage.py renew_pepper makes another."),
    ("AUDIT_KEY", system_secrets.AUDIT_KEY, "The audit's anchors keep their first key."),
)


def encryption() -> Iterator[Finding]:
    """Whether every key-encryption key is there and right."""
    found = problems()
    for each in found:
        yield Finding(BAD, each, "Correct ENCRYPTION_KEYS from the copy that you keep elsewhere.")
    if not found:
        yield Finding(GOOD, "Every stored secret can be decrypted.")
        yield from differing_settings()


def differing_settings() -> Iterator[Finding]:
    """Settings that the first migrate has read, and that differ from the stored secret now."""
    for setting, name, advice in IMPORTED_SETTINGS:
        value = getattr(settings, setting)
        if value and value not in system_secrets.current(name).values:
            text = f"{setting} differs from the platform's stored secret, and is not read any more."
            yield Finding(CAUTION, text, f"Remove it. {advice}")


STORED_SECRETS = DoctorCheck("seals", "Stored secrets", encryption)
