"""Let automation go on after a restoration."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from aethercrown.backup import automation_pause


class Command(BaseCommand):
    help = "End the standstill that a restoration began: schedules run again from now on."

    def handle(self, *_args: object, **_options: Any) -> None:
        if automation_pause.end(f"command:{getpass.getuser()}", timezone.now()):
            self.stdout.write("Automation goes on.")
        else:
            self.stdout.write("Automation did not stand still.")
