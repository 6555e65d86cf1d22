"""`manage.py revoke_api_key ID`: refuse an API key from now on."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aethercrown.formatting import moment_text
from security.apikeys import services


class Command(BaseCommand):
    help = "Revoke an API key at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", type=int, help="the key's id in the admin")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = services.revoke(options["id"])
        except services.UnknownApiKey as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"{key} is refused since {moment_text(key.revoked_at)}.")
