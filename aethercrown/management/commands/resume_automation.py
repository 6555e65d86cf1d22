"""Resume automation after a restore."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from aethercrown.backup import automation_pause


class Command(BaseCommand):
    help = "End the pause that a restore began: schedules run again."

    def handle(self, *_args: object, **_options: Any) -> None:
        if automation_pause.end(f"command:{getpass.getuser()}", timezone.now()):
            self.stdout.write("Automation is resumed.")
        else:
            self.stdout.write("Automation was not paused.")
