"""Check this installation."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from aethercrown.monitoring import doctor, logs, redaction


class Command(BaseCommand):
    help = "Check this installation and print the fixes; exits with 1 if something is bad."
    requires_system_checks = []  # their errors are among the findings

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="For programs: one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        lines = list(doctor.run_checks(doctor.checks(), clean))
        sound = doctor.is_sound(lines)
        if options["json"]:
            report = {"sound": sound, "findings": [line.plain() for line in lines]}
            self.stdout.write(json.dumps(report))
        else:
            for line in doctor.report_lines(lines):
                self.stdout.write(line)
        if not sound:
            sys.exit(1)


def clean(words: str) -> str:
    """The text with secrets masked."""
    return redaction.text(words, logs.known())
