"""Load the demo company, or restore what is missing: `manage.py seed_demo [--today DATE]`."""

from argparse import ArgumentParser
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand

from aethercrown import demo


class Command(BaseCommand):
    help = "Load the demo company into an empty installation; clear_demo removes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--today",
            type=date.fromisoformat,
            help="The day on which its history ends; by default today.",
        )

    def handle(self, *_arguments: Any, **options: Any) -> None:
        today = options["today"] or datetime.now(UTC).date()
        try:
            made = demo.seed(today)
            restored = 0 if made else demo.restore()
        except demo.NotEmpty as reason:
            self.stdout.write(str(reason))
            return
        if restored:
            words = "which an earlier clear_demo had deleted"
            self.stdout.write(f"{restored} rows of the demo company were restored, {words}.")
            return
        self.stdout.write(
            f"The demo company is loaded: {made} rows."
            if made
            else "The demo company is loaded already; nothing was changed."
        )
