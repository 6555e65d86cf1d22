"""Store channels and their rows; the CSV importers of marketing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from django.db import models, transaction

from aethercrown.csv.importing import ImportCounts, Importer, ImportOptions
from aethercrown.csv.reader import CSVRow, RowError
from aethercrown.history import tracking
from marketing.channels import csv_columns
from marketing.channels.csv_columns import SpendEntry
from marketing.channels.models import CalendarFlag, Channel, Performance, TotalRevenue
from marketing.channels.services.revisions import import_revision, manual_revision
from operations.imports.services import keeping

BATCH_SIZE = 500
CHANNEL_DEFAULTS = {"is_active": True, "is_held": False, "incrementality": 1.0, "notes": ""}
AMOUNTS = ("spend", "revenue", "currency")
ALREADY_STORED = "is stored already; import with update to replace it"


@transaction.atomic
def get_or_create(currencies: Mapping[str, str]) -> dict[str, Channel]:
    """Channels by name; missing ones are created in the given currency."""
    found = Channel.objects.in_bulk(list(currencies), field_name="name")
    for name in sorted(currencies.keys() - found):  # another process may create it just now
        defaults = {"currency": currencies[name]}
        found[name], _ = Channel.objects.get_or_create(name=name, defaults=defaults)
    return found


def _bulk_store(
    rows: Sequence[models.Model], key: Sequence[str], fields: Sequence[str], options: ImportOptions
) -> None:
    """Store the rows; with `options.update`, replace `fields` of rows stored already."""
    if not rows:
        return
    table = type(rows[0])._default_manager  # noqa: SLF001 - the documented name for any model
    if options.update:
        table.bulk_create(
            rows,
            batch_size=BATCH_SIZE,
            update_conflicts=True,
            unique_fields=list(key),
            update_fields=list(fields),
        )
    else:
        table.bulk_create(rows, batch_size=BATCH_SIZE)


# --- Rows of channels -------------------------------------------------------------------------


def _in_force(entries: Sequence[SpendEntry]) -> dict[tuple[str, date], Performance]:
    """What is stored by channel and date, among the entries' channels and dates."""
    if not entries:
        return {}
    dates = [each.date for each in entries]
    rows = Performance.objects.filter(
        channel__name__in={each.channel for each in entries},
        date__range=(min(dates), max(dates)),
    ).select_related("channel")
    return {(row.channel.name, row.date): row for row in rows}


def _entry_conflicts(entries: Sequence[SpendEntry], options: ImportOptions) -> Iterator[RowError]:
    kept = Channel.objects.filter(name__in={each.channel for each in entries})
    currencies = dict(kept.values_list("name", "currency"))
    stored = {} if options.update else _in_force(entries)
    for each in entries:
        own = currencies.setdefault(each.channel, each.currency)
        if own != each.currency:
            reason = f"{each.channel} is in {own}, this row is in {each.currency}"
            yield RowError(each.row, "currency", reason)
        if (each.channel, each.date) in stored:
            yield RowError(each.row, "date", f"{each.channel} on {each.date} {ALREADY_STORED}")


def _save_entries(
    entries: Sequence[SpendEntry], fields: Sequence[str], options: ImportOptions
) -> ImportCounts:
    currencies = {each.channel: each.currency for each in entries}
    known = set(Channel.objects.filter(name__in=currencies).values_list("name", flat=True))
    channels = get_or_create(currencies)
    in_force = _in_force(entries) if options.update else {}
    replaced = sum((each.channel, each.date) in in_force for each in entries)
    fresh = tuple(f"channel {name}" for name in sorted(currencies.keys() - known))
    counts = ImportCounts(len(entries) - replaced, replaced, fresh)
    if options.import_id is not None:
        stays = [name for name in AMOUNTS if name not in fields]
        rows = (
            _staged(each, channels[each.channel], in_force.get((each.channel, each.date)), stays)
            for each in entries
        )
        Performance.revisions.bulk_create(_of_import(rows, options.import_id), BATCH_SIZE)
        return counts
    revision = manual_revision()
    fresh_rows: list[Performance] = []
    changed: list[Performance] = []
    for each in entries:
        row = in_force.get((each.channel, each.date)) or Performance(
            channel=channels[each.channel], date=each.date
        )
        for name in fields if row.pk else AMOUNTS:
            setattr(row, name, getattr(each, name))
        row.revision, row.data_import = revision, None
        (changed if row.pk else fresh_rows).append(row)
    Performance.revisions.bulk_create(fresh_rows, batch_size=BATCH_SIZE)
    columns = (*fields, "revision", "data_import")
    Performance.revisions.bulk_update(changed, columns, batch_size=BATCH_SIZE)
    return counts


def _staged(
    each: SpendEntry, channel: Channel, stored: Performance | None, stays: Sequence[str]
) -> Performance:
    """A row of an import; what the file does not say is as it is stored."""
    values = {name: getattr(each, name) for name in AMOUNTS}
    if stored is not None:
        values |= {name: getattr(stored, name) for name in stays}
    return Performance(channel=channel, date=each.date, **values)


def _of_import(rows: Iterable[Performance], import_id: int) -> list[Performance]:
    """In force once the import is, and no longer where it is undone."""
    found = list(rows)
    for each in found:
        each.data_import_id, each.revision = import_id, import_revision(import_id)
    return found


def performance_conflicts(batch: Sequence[CSVRow], options: ImportOptions) -> list[RowError]:
    entries = list(csv_columns.long_entries(batch))
    return list(_entry_conflicts(entries, options))


def save_performance(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    entries = list(csv_columns.long_entries(batch))
    return _save_entries(entries, ["spend", "revenue", "currency"], options)


# --- Total revenue ----------------------------------------------------------------------------


def _totals(batch: Sequence[CSVRow], options: ImportOptions) -> list[TotalRevenue]:
    return [
        TotalRevenue(
            date=values["date"],
            amount=values["revenue"],
            currency=values.get("currency", options.currency),
        )
        for _, values in batch
    ]


def _stored_totals(rows: Sequence[TotalRevenue]) -> dict[tuple[str, date], TotalRevenue]:
    """What is stored of the currencies and dates of these rows."""
    dates, keys = [row.date for row in rows], {(row.currency, row.date) for row in rows}
    found = TotalRevenue.objects.filter(date__range=(min(dates), max(dates)))
    by_key = {(row.currency, row.date): row for row in found.iterator()}
    return {key: row for key, row in by_key.items() if key in keys}


def total_conflicts(batch: Sequence[CSVRow], options: ImportOptions) -> list[RowError]:
    if options.update:
        return []
    rows = _totals(batch, options)
    stored = _stored_totals(rows)
    return [
        RowError(record.row, "date", f"the total of {row.date} in {row.currency} {ALREADY_STORED}")
        for record, row in zip(batch, rows, strict=True)
        if (row.currency, row.date) in stored
    ]


def save_totals(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    rows = _totals(batch, options)
    replaced = len(_stored_totals(rows)) if options.update else 0
    with keeping(options.import_id, lambda: _stored_totals(rows).values(), ["amount"]):
        _bulk_store(rows, ["currency", "date"], ["amount"], options)
    return ImportCounts(len(rows) - replaced, replaced)


# --- One wide file: spend by channel, total revenue, calendar flags -----------------------------


def weekly_conflicts(batch: Sequence[CSVRow], options: ImportOptions) -> list[RowError]:
    entries = list(csv_columns.wide_entries(batch, options.currency))
    return [*_entry_conflicts(entries, options), *total_conflicts(batch, options)]


def save_weekly(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    """Store spend, totals and flags; revenue by channel stays as it is."""
    entries = list(csv_columns.wide_entries(batch, options.currency))
    spend = _save_entries(entries, ["spend", "currency"], options)
    total = save_totals(batch, options)
    flags = [
        CalendarFlag(name=name, date=values["date"], value=value)
        for _, values in batch
        for name, value in values["control"].items()
        if value
    ]
    names = {flag.name for flag in flags}
    known = set(CalendarFlag.objects.filter(name__in=names).values_list("name", flat=True))
    with keeping(options.import_id, lambda: _stored_flags(flags), ["value"]):
        _bulk_store(flags, ["name", "date"], ["value"], replace(options, update=True))
    also = (*spend.also, *(f"calendar flag {name}" for name in sorted(names - known)))
    return ImportCounts(spend.created + total.created, spend.updated + total.updated, also)


def _stored_flags(flags: Sequence[CalendarFlag]) -> list[CalendarFlag]:
    keys = {(each.name, each.date) for each in flags}
    found = CalendarFlag.objects.filter(name__in={each.name for each in flags})
    return [each for each in found.iterator() if (each.name, each.date) in keys]


# --- Channels ---------------------------------------------------------------------------------


def channel_conflicts(batch: Sequence[CSVRow], options: ImportOptions) -> list[RowError]:
    known = Channel.objects.in_bulk([values["name"] for _, values in batch], field_name="name")
    faults = []
    for row, values in batch:
        stored = known.get(values["name"]) or Channel()
        floor, ceiling = (
            getattr(stored, name) if values[name] is None else values[name]
            for name in ("floor", "ceiling")
        )
        if floor is not None and ceiling is not None and floor > ceiling:
            faults.append(RowError(row, "floor", f"{floor} is above the ceiling of {ceiling}"))
        if values["name"] not in known:
            continue
        if not options.update:
            faults.append(RowError(row, "name", f"the channel {values['name']} {ALREADY_STORED}"))
        elif known[values["name"]].currency != values["currency"]:
            own = known[values["name"]].currency
            faults.append(RowError(row, "currency", f"{values['name']} is in {own}"))
    return faults


def save_channels(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    """Store channels; a blank or missing cell leaves a stored channel's value as it is."""
    names = [values["name"] for _, values in batch]
    fields = [
        column.name for column in csv_columns.CHANNELS if column.name not in {"name", "currency"}
    ]
    stored = Channel.objects.filter(name__in=names)
    before = {each.name: {field: getattr(each, field) for field in fields} for each in stored}
    known = len(before)
    rows = []
    for _, values in batch:
        given = {name: value for name, value in values.items() if value is not None}
        rows.append(Channel(**{**before.get(values["name"], CHANNEL_DEFAULTS), **given}))
    tracking.begin(Channel, stored)
    with keeping(options.import_id, stored.all, fields):
        _bulk_store(rows, ["name"], fields, options)
    tracking.keep(Channel, stored.all())
    return ImportCounts(len(rows) - known, known)


IMPORTERS = (
    Importer(
        "channels", "Channels", csv_columns.CHANNELS, ("name",), channel_conflicts, save_channels
    ),
    Importer(
        "budget-performance",
        "Spend and revenue by channel and date",
        csv_columns.PERFORMANCE,
        ("date", "channel"),
        performance_conflicts,
        save_performance,
    ),
    Importer(
        "budget-totals",
        "Total revenue by date",
        csv_columns.TOTALS,
        ("date", "currency"),
        total_conflicts,
        save_totals,
    ),
    Importer(
        "budget-weekly",
        "Spend of every channel beside total revenue, a row a date",
        csv_columns.WEEKLY,
        ("date",),
        weekly_conflicts,
        save_weekly,
    ),
)
