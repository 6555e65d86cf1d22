"""Whether the MRR ledger matches the subscriptions: `manage.py check_mrr`."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from aethercrown.formatting import counted
from revenue.mrr.reports import consistency
from revenue.mrr.services.rollups import roll_up


class Command(BaseCommand):
    help = (
        "Recompute the MRR ledger from the subscriptions and compare every day, to the millionth;"
        " compare the monthly sums with the ledger's rows. Exits with 1 on a difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--rebuild", action="store_true", help="rebuild the monthly sums beforehand"
        )

    def handle(self, *_arguments: Any, rebuild: bool = False, **_options: Any) -> None:
        if rebuild:
            rows = roll_up(now=timezone.now(), rebuild=True)
            self.stdout.write(f"The monthly sums hold {counted(rows, 'row')} of the ledger.")
        wrong = consistency.wrong_rollups()
        for each in wrong[: consistency.LISTED]:
            self.stderr.write(f"A monthly sum is wrong: {each}; --rebuild corrects it.")
        count, differences = consistency.differing_customers()
        for each in differences:
            self.stderr.write(each)
        if count or wrong:
            self.stderr.write(f"Customers that differ: {count:,}.")
            sys.exit(1)
        self.stdout.write("The ledger matches the subscriptions.")
