"""Recompute every stored look and decision of A/B tests."""

from typing import Any

from django.core.management.base import BaseCommand

from marketing.experiments import services


class Command(BaseCommand):
    help = (
        "Recomputes every look and decision of A/B tests from the stored rows and prints each "
        "that differs. Exits with 1 if any does."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = services.replay()
        for each in found.differences:
            self.stdout.write(each)
        self.stdout.write(
            f"{found.looks} looks and {found.decisions} decisions computed again, "
            f"{len(found.differences)} differ."
        )
        if found.differences:
            raise SystemExit(1)
