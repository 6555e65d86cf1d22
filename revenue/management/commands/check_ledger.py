"""Whether the MRR ledger says what the subscriptions bring: `manage.py check_ledger`."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from revenue.customers import reports

LISTED = 20


class Command(BaseCommand):
    help = "Compare the ledger with the subscriptions, to the millionth; exit with 1 on a break."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        found = 0
        for currency in reports.currencies():
            breaks = reports.breaks(currency)
            found += len(breaks)
            for each in breaks[:LISTED]:
                self.stderr.write(
                    f"customer {each.customer}: the ledger says {each.ledger} {currency}, "
                    f"the subscriptions {each.subscriptions}"
                )
        if found:
            self.stderr.write(f"{found} customers differ.")
            sys.exit(1)
        self.stdout.write("The ledger says what the subscriptions bring.")
