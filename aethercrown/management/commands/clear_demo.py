"""Remove exactly the rows that seed_demo created."""

from typing import Any

from django.core.management.base import BaseCommand

from aethercrown import demo


class Command(BaseCommand):
    help = "Remove the demo company's rows; your own rows and the rows they refer to stay."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        if not demo.is_there():
            self.stdout.write("There is no demo company here; nothing was changed.")
            return
        cleared = demo.clear()
        for sentence in cleared.released:
            self.stdout.write(f"{sentence}.")
        for sentence in cleared.kept:
            self.stdout.write(f"Kept: {sentence}.")
        self.stdout.write(f"{cleared.removed} rows of the demo company were removed.")
