"""`manage.py doctor`: whether there is an administrator, each with a second factor."""

from collections.abc import Iterator

from allauth.mfa.models import Authenticator
from django.conf import settings

from aethercrown.monitoring.doctor import CAUTION, GOOD, DoctorCheck, Finding
from security.access.models import User


def people() -> Iterator[Finding]:
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    enrolled = Authenticator.objects.values("user_id")
    lacking = list(administrators.exclude(pk__in=enrolled).values_list("username", flat=True))
    if not administrators.exists():
        yield Finding(CAUTION, "There is no administrator yet.", "./manage.py setup_link")
    elif lacking and settings.SECOND_FACTOR_REQUIRED:
        text = f"{len(lacking)} administrators have no second factor, and are shut out until then."
        yield Finding(CAUTION, text, f"They sign in and set one up: {', '.join(lacking)}.")
    else:
        yield Finding(GOOD, f"{administrators.count()} administrators")


PEOPLE = DoctorCheck("people", "People", people)
