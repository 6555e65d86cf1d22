"""`manage.py renew_pepper`: another pepper for API keys, without ending one of them."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from security.apikeys.services import pepper


class Command(BaseCommand):
    help = (
        "Put a new pepper in front. Each API key moves to it when it is next used; the old pepper "
        "is forgotten once no live key stands under it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            begins = pepper.renew(timezone.now(), f"command:{getpass.getuser()}")
        except pepper.TooMany as reason:
            raise CommandError(str(reason)) from None
        self.stdout.write(
            f"A new pepper is there; it comes into use at {begins:%H:%M} UTC, when every process "
            "knows it. /dashboards/keys says how many keys still stand under the old one."
        )
