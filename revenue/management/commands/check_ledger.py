"""Whether the MRR ledger says what the subscriptions bring: `manage.py check_ledger`."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from revenue.mrr import reports, services


class Command(BaseCommand):
    help = (
        "Work the ledger out again from the subscriptions, day by day and to the millionth, and "
        "compare the monthly sums with its rows; exit with 1 on a difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--rebuild", action="store_true", help="make the monthly sums anew beforehand"
        )

    def handle(self, *_arguments: Any, rebuild: bool = False, **_options: Any) -> None:
        if rebuild:
            rows = services.roll_up(now=timezone.now(), anew=True)
            self.stdout.write(f"The monthly sums hold {rows:,} rows of the ledger.")
        wrong = reports.sums_differ()
        for each in wrong[: reports.LISTED]:
            self.stderr.write(f"The monthly sums are wrong: {each}; --rebuild makes them anew.")
        count, told = reports.differing()
        for each in told:
            self.stderr.write(each)
        if count or wrong:
            self.stderr.write(f"{count} customers differ.")
            sys.exit(1)
        self.stdout.write("The ledger says what the subscriptions bring.")
