"""Who would pay more, and who less, under a version of a price book."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from revenue.billing import reports as billing
from revenue.pricing import reports
from revenue.pricing.calculation.simulation import Simulation
from revenue.pricing.decimals import InvalidValues

EVERYBODY = 10_000_000


class Command(BaseCommand):
    help = (
        "Rates every customer under version NUMBER of a price book and under the one in force: "
        "sums, who pays more and who less, the largest rises, and cliffs. Nothing is stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", metavar="NUMBER", type=int)
        parser.add_argument(
            "--book", default=reports.STANDARD_BOOK, help="the book's code (standard)"
        )

    def handle(self, *args: Any, number: int, book: str, **options: Any) -> None:
        try:
            version = reports.version_by_number(number, book)
            against = reports.version_in_force(timezone.now().date(), book)
            found = billing.simulation(version, against, timezone.now().date(), EVERYBODY)
        except ObjectDoesNotExist as error:
            raise CommandError(f"The price book {book} has no version {number}.") from error
        except (reports.NothingPublished, reports.Tampered, InvalidValues) as error:
            raise CommandError(str(error)) from error
        heading = f"{version} against {against}, {found.customers:,} customers"
        self.stdout.write(f"{heading}, each over up to {billing.RATED} complete months")
        for each in told(found):
            self.stdout.write(each)
        for each in reports.findings(version.pk):
            self.stdout.write(f"Mind: {each}")


def told(found: Simulation) -> list[str]:
    """The simulation as lines of text."""
    money = found.currency
    lines = [
        f"Now {found.now:,} {money}, then {found.then:,} {money} ({found.then - found.now:+,})",
        f"{found.pay_more:,} pay more, {found.pay_less:,} less, {found.unchanged:,} the same",
        f"{found.steep:,} rise by more than 20 %; {found.held:,} stand at a floor or ceiling",
    ]
    if found.break_even_percent is not None:
        share = f"{found.break_even_percent:.1f}"
        lines.append(f"The gain is gone once {share} % of what those who pay more pay has left")
    for title, changes in (("Largest rises", found.rises), ("Largest falls", found.falls)):
        lines += [f"{title}:"] if changes else []
        lines += [
            f"  {each.key} ({each.plan}): {each.now} to {each.then}, {each.percent:+.1f} %"
            for each in changes
        ]
    lines += [f"Left out: {key}: {reason}" for key, reason in found.left_out]
    return lines
