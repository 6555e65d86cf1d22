"""Channels, totals and wide files of weeks from files of any program."""

from collections.abc import Sequence

from aethercrown.csv.importing import Importer
from aethercrown.csv.reader import CSVRow
from aethercrown.formatting import counted
from aethercrown.text import similar
from marketing.channels import csv_columns
from marketing.channels.models import Channel
from marketing.channels.services import spend_imports
from marketing.channels.services.csv_imports import IMPORTERS
from operations.imports.registry import CheckOptions, Findings, ImportTarget
from operations.imports.services import plain_target, put_back

SAMPLES: dict[str, Sequence[Sequence[str]]] = {
    "channels": (
        ("name", "currency", "floor", "ceiling", "is_held", "incrementality"),
        ("Paid search", "USD", "500.00", "4000.00", "no", "0.8"),
        ("Podcast", "USD", "", "900.00", "yes", ""),
    ),
    "budget-totals": (
        ("date", "revenue", "currency"),
        ("2026-10-05", "48210.00", "USD"),
        ("2026-10-12", "51940.50", "USD"),
    ),
    "budget-weekly": (
        ("date", "revenue", "spend_Paid search", "spend_Podcast", "control_holiday"),
        ("2026-10-05", "48210.00", "1204.55", "610.42", "0"),
        ("2026-10-12", "51940.50", "1198.02", "", "1"),
    ),
}
NAMED = 20


def describe(rows: Sequence[CSVRow], _options: CheckOptions, findings: Findings) -> None:
    """Which channels of a wide file are new, and its period."""
    named = {each.channel for each in csv_columns.wide_entries(rows, "")}
    known = list(Channel.objects.values_list("name", flat=True))
    findings.new_names = fresh = sorted(named - set(known))
    days = [values["date"] for _, values in rows]
    findings.consequences.append(
        f"{counted(len(named), 'channel')} and the total revenue of {counted(len(rows), 'date')},"
        f" {min(days)} to {max(days)}."
    )
    for name in fresh[:NAMED]:
        meant = similar(name, known)
        hint = f": did you mean “{meant}”?" if meant else "."
        findings.consequences.append(f"New channel “{name}”{hint}")
    if len(fresh) > NAMED:
        findings.consequences.append(f"{len(fresh)} new channels in all.")


def undo_weekly(import_id: int) -> list[str]:
    """Take spend out of force, and put totals and flags back."""
    return [*spend_imports.undo(import_id), *put_back(import_id)]


def _target(importer: Importer) -> ImportTarget:
    sample = SAMPLES[importer.kind]
    if importer.kind != "budget-weekly":
        return plain_target(importer, sample, undo=put_back)
    return plain_target(
        importer,
        sample,
        describe,
        undo_weekly,
        activate=spend_imports.activate,
        discard=spend_imports.discard,
        finish=spend_imports.finish,
    )


TARGETS = tuple(_target(each) for each in IMPORTERS if each.kind in SAMPLES)
