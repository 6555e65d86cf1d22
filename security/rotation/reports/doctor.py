"""`manage.py doctor`: managed keys that are overdue or fail, and API keys that end soon."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from aethercrown.formatting import counted
from aethercrown.monitoring.doctor import BAD, CAUTION, GOOD, DoctorCheck, Finding
from security.apikeys.models import ApiKey
from security.rotation.reports.status import report

ENDING_WITHIN = timedelta(days=7)


def keys() -> Iterator[Finding]:
    now = timezone.now()
    status = report(now)
    managed = counted(status["total_keys"], "managed key")
    if overdue := status["overdue"]:
        text = f"Overdue: {overdue} of {managed}."
        yield Finding(CAUTION, text, "Their list in the admin says why; rotate them there.")
    if failing := status["failing_keys"]:
        text = f"{counted(len(failing), 'managed key')} failed to rotate: {', '.join(failing[:5])}."
        yield Finding(BAD, text, "Each key's page in the admin says what its target answered.")
    until = now + ENDING_WITHIN
    ending = ApiKey.objects.filter(revoked_at=None, expires_at__range=(now, until)).count()
    if ending:
        text = f"Ending within {ENDING_WITHIN.days} days: {counted(ending, 'API key')}."
        yield Finding(CAUTION, text, "Rotate them in the admin, or tell those who use them.")
    if not (overdue or failing or ending):
        yield Finding(GOOD, f"{managed}, none overdue.")


KEYS = DoctorCheck("keys", "Keys", keys)
