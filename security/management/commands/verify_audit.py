"""`./manage.py verify_audit`: verify the audit, and name the first wrong entry of each stream."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aethercrown import paths
from aethercrown.formatting import counted, duration_text
from security.audit import reports

NOT_COMPARED = " Rows of history whose values cannot be decrypted here were not compared."


class Command(BaseCommand):
    help = (
        "Verify every event, every row of history and every anchor: altered, missing, reordered,"
        " inserted or cut off. Exit code 1 if something is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchors",
            metavar="FOLDER",
            help="a copy of the anchors to compare with; AUDIT_ANCHORS if not given",
        )
        parser.add_argument(
            "--key-file",
            metavar="FILE",
            help="the key of the anchors from `audit_key`, where ENCRYPTION_KEYS is missing",
        )

    def handle(self, *_args: object, **options: Any) -> None:
        began = time.monotonic()
        key = read_key(options["key_file"])
        faults = [
            *reports.chain_faults(anchors_folder(options["anchors"]), key),
            *reports.history_faults(without_keys=key is not None),
        ]
        for fault in faults:
            self.stderr.write(str(fault))
        took = (
            f"{counted(reports.count_events(), 'event')} in "
            f"{duration_text(time.monotonic() - began)}"
        )
        if faults:
            raise CommandError(
                f"{took}: {counted(len(faults), 'fault')}, the first of each stream above."
            )
        self.stdout.write(f"{took}: nothing is wrong.{'' if key is None else NOT_COMPARED}")


def anchors_folder(given: str | None) -> Path:
    """The folder of the anchor files. Raises CommandError where the given one does not exist."""
    if given is None:
        return Path(settings.AUDIT_ANCHORS)
    folder = paths.resolved(given)
    if not folder.is_dir():
        raise CommandError(f"There is no folder {folder}.")
    return folder


def read_key(given: str | None) -> str | None:
    """The key in a file. Raises CommandError where it cannot be read or is empty."""
    if given is None:
        return None
    path = paths.resolved(given)
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The key of the anchors cannot be read: {error}.") from None
    if not key:
        raise CommandError(f"{path} is empty: it must hold the key of the anchors.")
    return key
