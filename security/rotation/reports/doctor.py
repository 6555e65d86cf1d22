"""`manage.py doctor`: managed keys that are overdue or fail, and API keys that end soon."""

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from aethercrown.formatting import counted
from aethercrown.monitoring.doctor import BAD, CAUTION, GOOD, DoctorCheck, Finding
from security.apikeys import states
from security.apikeys.models import ApiKey
from security.rotation.models import ManagedSecret
from security.rotation.registry import Rotator, rotators
from security.rotation.reports.status import LIVE_STATES, report

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
    shared = shared_claims()
    for claim, names in shared.items():
        text = f"The {claim} is changed by {' and by '.join(names)}."
        yield Finding(BAD, text, "Each ends what the other sets: revoke all but one.")
    until = now + ENDING_WITHIN
    rows = ApiKey.objects.filter(revoked_at=None, expires_at__range=(now, until))
    dates = rows.values_list("created_at", "expires_at")
    ending = sum(states.ends_soon(made, end, now, ENDING_WITHIN) for made, end in dates if end)
    if ending:
        text = f"Ending within {ENDING_WITHIN.days} days: {counted(ending, 'API key')}."
        yield Finding(CAUTION, text, "Rotate them in the admin, or tell those who use them.")
    if not (overdue or failing or ending or shared):
        yield Finding(GOOD, f"{managed}, none overdue.")


def shared_claims() -> dict[str, list[str]]:
    """What several live keys change at a target, with the names of those keys."""
    claiming: dict[str, list[str]] = {}
    claimers = {each.name: each for each in rotators if type(each).claims is not Rotator.claims}
    live = ManagedSecret.objects.filter(state__in=LIVE_STATES, rotator__in=claimers)
    for key in live.order_by("pk"):
        for claim in claimers[key.rotator].claims(key.config):
            claiming.setdefault(claim, []).append(key.key_id)
    return {claim: names for claim, names in sorted(claiming.items()) if len(names) > 1}


KEYS = DoctorCheck("keys", "Keys", keys)
