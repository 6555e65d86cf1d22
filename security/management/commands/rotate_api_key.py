"""`manage.py rotate_api_key ID`: issue a successor; the old key works for a grace period."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aethercrown.formatting import number_text
from security.apikeys import services
from security.management.commands.create_api_key import print_issued

GRACE_HOURS = services.GRACE / timedelta(hours=1)


class Command(BaseCommand):
    help = "Replace an API key; the old one works for the grace period."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", type=int, help="the key's id in the admin")
        parser.add_argument(
            "--grace-hours",
            type=float,
            default=GRACE_HOURS,
            help=(
                f"how long the old key still works (default {number_text(GRACE_HOURS)}; 0: not "
                f"at all)"
            ),
        )
        parser.add_argument("--json", action="store_true", help="one line of JSON instead")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            issued = services.rotate(options["id"], timedelta(hours=options["grace_hours"]))
        except (
            services.UnknownApiKey,
            services.ApiKeyNotActive,
            ValueError,
            OverflowError,
        ) as error:
            raise CommandError(str(error)) from error
        print_issued(self, issued, as_json=options["json"])
