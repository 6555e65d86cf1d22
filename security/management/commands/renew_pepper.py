"""`manage.py renew_pepper`: a new pepper for API keys; every key keeps working."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from security.apikeys.services import pepper


class Command(BaseCommand):
    help = (
        "Add a new pepper. Each API key moves to it when it is next used; the old pepper is "
        "deleted once no live key depends on it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            begins = pepper.renew(timezone.now(), f"command:{getpass.getuser()}")
        except pepper.PepperStillInUse as reason:
            raise CommandError(str(reason)) from None
        self.stdout.write(
            f"The new pepper becomes active at {begins:%H:%M} UTC, when every process has read it. "
            "/dashboards/keys shows how many keys still depend on the old one."
        )
