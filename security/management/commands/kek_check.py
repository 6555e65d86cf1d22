"""`manage.py kek_check`: which key-encryption keys are still needed, and which may be dropped."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aethercrown.formatting import counted
from security.encryption import reports


class Command(BaseCommand):
    help = "Count the rows that each key-encryption key is needed for; exit 1 where one is wrong."

    def handle(self, *args: Any, **options: Any) -> None:
        known = reports.keyring()
        for kid, rows in sorted(reports.rows_by_kek().items()):
            self.stdout.write(f"{kid}: {counted(rows, 'row')}{note(kid, rows, known.active)}")
        problems = reports.problems()
        if problems:
            raise CommandError("\n".join(problems))


def note(kid: str, rows: int, active: str) -> str:
    if kid == active:
        return ", active: wraps new data keys"
    return "" if rows else ", may be dropped from ENCRYPTION_KEYS"
