"""`manage.py setup_link`: print the link that creates the first administrator."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from django.utils import timezone

from security.access import services


class Command(BaseCommand):
    help = (
        "Print a link that creates the first administrator. It works once, for "
        f"{services.LIFETIME_MINUTES} minutes, and only while there is none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", help="The host name that people use, if not the first known.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            token = services.create_setup_link(timezone.now())
        except services.AlreadySetUp as reason:
            raise CommandError(str(reason)) from reason
        self.stdout.write(f"Open within {services.LIFETIME_MINUTES} minutes, once:")
        self.stdout.write(origin(options["host"]) + reverse("setup", args=[token]))


def origin(host: str | None) -> str:
    """Scheme and host of a link; the port only where no proxy stands in front."""
    if settings.PUBLIC_URL and not host:
        return str(settings.PUBLIC_URL).rstrip("/")
    known = host or settings.ALLOWED_HOSTS[0].lstrip(".*") or "localhost"
    return f"https://{known}" if settings.HTTPS else f"http://{known}:{settings.PORT}"
