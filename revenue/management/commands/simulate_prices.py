"""Simulate a version of a price book: which customers would pay more, and which less."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aethercrown.formatting import PERCENT, counted, percent_text, signed
from revenue.billing import reports as billing
from revenue.pricing import reports
from revenue.pricing.calculation.simulation import Simulation
from revenue.pricing.decimals import InvalidValues


class Command(BaseCommand):
    help = (
        "Prices every customer under version NUMBER of a price book and under the version in "
        "force. Prints sums, rises, falls and price cliffs. Stores nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", metavar="NUMBER", type=int)
        parser.add_argument(
            "--book", default=reports.STANDARD_BOOK, help="the book's code (standard)"
        )

    def handle(self, *args: Any, number: int, book: str, **options: Any) -> None:
        try:
            version = reports.versions().get(book__code=book, number=number)
            against = reports.version_in_force(timezone.now().date(), book)
            found = billing.simulation(version, against, timezone.now().date())
        except ObjectDoesNotExist as error:
            raise CommandError(f"The price book {book} has no version {number}.") from error
        except (reports.NothingPublished, reports.Tampered, InvalidValues) as error:
            raise CommandError(str(error)) from error
        heading = f"{version} against {against}, {counted(found.customers, 'customer')}"
        self.stdout.write(f"{heading}, each over up to {billing.SIMULATED_MONTHS} complete months")
        for each in describe(found):
            self.stdout.write(each)
        for each in reports.findings(version.pk):
            self.stdout.write(f"Finding: {each}")


def describe(found: Simulation) -> list[str]:
    """The result of a simulation as lines of text."""
    money, limited = found.currency, found.at_floor_or_ceiling
    lines = [
        f"Now {found.now:,} {money}, then {found.then:,} {money} ({found.then - found.now:+,})",
        f"{found.pay_more:,} pay more, {found.pay_less:,} less, {found.unchanged:,} the same",
        f"{found.large_rises:,} rise by more than 20%; {limited:,} reach a floor or ceiling",
    ]
    if found.break_even_percent is not None:
        share = percent_text(found.break_even_percent)
        lines.append(f"The gain is lost if {share} of the revenue from those who pay more is lost")
    for title, changes in (("Largest rises", found.rises), ("Largest falls", found.falls)):
        lines += [f"{title}:"] if changes else []
        lines += [
            f"  {each.key} ({each.plan}): {each.now} to {each.then}, "
            f"{signed(each.percent, PERCENT)}"
            for each in changes
        ]
    lines += [
        f"Left out: {counted(each.customers, 'customer')}, such as {', '.join(each.such_as)}: "
        f"{each.reason}"
        for each in found.left_out
    ]
    return lines
