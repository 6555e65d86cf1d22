"""`manage.py create_api_key --name NAME --scopes all`: create an API key and print it once."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from security.apikeys import networks, scopes, services


class Command(BaseCommand):
    help = "Create an API key and print it once, alone on the last line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="who or what will use the key")
        parser.add_argument("--scopes", required=True, help="all, or names separated by commas")
        parser.add_argument(
            "--networks", default="", help="where it may be used from: 203.0.113.7,198.51.100.0/24"
        )
        parser.add_argument("--reason", default="", help="what a key with security:reveal is for")
        parser.add_argument("--json", action="store_true", help="one line of JSON instead")

    def handle(self, *args: Any, **options: Any) -> None:
        limits = services.KeyLimits(options["networks"])
        try:
            names, reason = scopes.parse(options["scopes"]), options["reason"]
            services.check_reason(names, reason)
            issued = services.create(options["name"], names, limits=limits, reason=reason)
        except (scopes.UnknownScope, services.ReasonRequired, networks.InvalidNetwork) as error:
            raise CommandError(str(error)) from error
        except ValidationError as error:
            raise CommandError(f"--name: {' '.join(error.messages)}") from error
        print_issued(self, issued, as_json=options["json"])


def print_issued(command: BaseCommand, issued: services.IssuedKey, *, as_json: bool) -> None:
    """The key on standard output, everything else on standard error."""
    key = issued.key
    command.stderr.write(
        f"Key {key.pk}, {key.name!r}, has the scopes {', '.join(key.scopes)}. It is shown only now:"
    )
    if as_json:
        command.stdout.write(
            json.dumps(
                {"id": key.pk, "name": key.name, "scopes": key.scopes, "key": issued.plaintext}
            )
        )
    else:
        command.stdout.write(issued.plaintext)
