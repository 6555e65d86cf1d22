"""Check this installation."""

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from aethercrown.db import schema
from aethercrown.monitoring import doctor, installation, logs, redaction


class Command(BaseCommand):
    help = "Check this installation and print the fixes; exits with 1 if something is bad."
    requires_system_checks = []  # their errors are among the findings

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="For programs: one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        for name, value in installation.service_settings().items():
            setattr(settings, name, value)
        lines = list(doctor.run_checks(chosen_checks(), clean))
        sound = doctor.is_sound(lines)
        if options["json"]:
            report = {"sound": sound, "findings": [line.plain() for line in lines]}
            self.stdout.write(json.dumps(report))
        else:
            for line in doctor.report_lines(lines):
                self.stdout.write(line)
        if not sound:
            sys.exit(1)


def chosen_checks() -> Iterable[doctor.DoctorCheck]:
    """Every check; in a database without the tables of this version, those that need none."""
    with suppress(DatabaseError):
        if schema.problem():
            return installation.CHECKS
    return doctor.registry


def clean(words: str) -> str:
    """The text with secrets masked."""
    return redaction.text(words, logs.known())
