"""Compute the figures of a file of worked cases and print each that differs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aethercrown import paths
from marketing.experiments import worked_cases

DIFFERS, UNREADABLE = 1, 2


class Command(BaseCommand):
    help = (
        "Computes every figure of FILE (JSON: cases of experiments, sample ratios, sample sizes, "
        "assignment vectors) and prints those that differ. Exits with 1 if any differs, with 2 if "
        "the file cannot be read."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE")

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        try:
            found = worked_cases.check_cases(paths.resolved(file).read_text(encoding="utf-8"))
        except OSError as error:
            reason = error.strerror or "it cannot be opened"
            raise CommandError(
                f"{file} cannot be read: {reason}.", returncode=UNREADABLE
            ) from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{file} is not text in UTF-8.", returncode=UNREADABLE) from error
        except worked_cases.InvalidExperimentCases as error:
            raise CommandError(f"{file}: {error}", returncode=UNREADABLE) from error
        differing = [each for each in found if not each.agrees]
        for each in differing:
            self.stdout.write(str(each))
        self.stdout.write(f"{len(found) - len(differing)} of {len(found)} figures agree.")
        if differing:
            raise SystemExit(DIFFERS)
