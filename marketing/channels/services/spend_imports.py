"""Import spend by channel and date: what it would change, staging, making it current, undoing."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import islice
from time import monotonic
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, ProtectedError, Q

from aethercrown.csv.reader import RowError
from aethercrown.db import bulk
from aethercrown.formatting import counted, money_text
from aethercrown.history import tracking
from aethercrown.tabular.rows import RowReader
from aethercrown.text import similar
from marketing.channels import csv_columns
from marketing.channels.models import Channel, Performance
from marketing.channels.presets import KIND
from marketing.channels.services.revisions import import_revision
from marketing.channels.spend_table import ChannelTotal, SpendRecord, SpendTable
from operations.imports import reports as imports
from operations.imports.registry import CheckOptions, Findings, ImportTarget, Progress

BATCH_SIZE = 1_000  # rows compared with what is stored at once
FEWEST_STAGED, MOST_STAGED = 50, 1_000  # rows in one transaction
STAGING_SECONDS = 0.02  # that a transaction is to hold the write lock
CHANNELS_AT_ONCE = 5  # whose history is kept in one transaction
IN_FORCE = "current"  # the state of an import
STAGED_COLUMNS = (
    *("channel_id", "date", "spend", "revenue", "currency", "data_import_id", "revision"),
)
ROWS_LISTED = 50
NAMED = 20


class CheckedSpend:
    """The rows of a file, summed; see CheckedFile."""

    is_staged = True

    def __init__(self, rows: RowReader, options: CheckOptions) -> None:
        self.findings = Findings()
        self._options = options
        self._known = dict(Channel.objects.values_list("name", "currency"))
        self._table = SpendTable(self._known, add_up=rows.layout.add_up)
        self._read(rows)
        self._records, self._first, self._last = self._table.finish()
        self.findings.records = self._records
        self._judge()

    def _read(self, rows: RowReader) -> None:
        findings, add = self.findings, self._table.add
        for each in rows:
            if isinstance(each, RowError):
                findings.blame(each)
                continue
            findings.rows += 1
            line, values = each
            amounts = (values["spend"], values["revenue"])
            currency = values["currency"] or rows.rate_currency
            fault = add(line, values["channel"], currency, values["date"], amounts)
            if fault:
                findings.blame(fault)

    def _judge(self) -> None:
        findings = self.findings
        for line, on in self._table.after(self._options.today):
            findings.blame(RowError(line, "date", f"{on} is in the future"))
        for line, name in self._table.too_large():
            findings.blame(RowError(line, "spend", f"the sum of {name} is too large to be stored"))
        if not self._first or not self._last:
            return
        findings.consequences.append(
            f"{counted(findings.rows, 'row')} make {counted(self._records, 'record')} of "
            f"{counted(len(self._table.channels), 'channel')}, {self._first} to {self._last}."
        )
        self._judge_names()
        self._judge_stored()
        self._list_totals()

    def _judge_names(self) -> None:
        findings = self.findings
        for spelling, name in list(self._table.spellings.items())[:20]:
            findings.warnings.append(f"“{spelling}” is read as the channel “{name}”.")
        pending = imports.names_being_created(KIND)
        kept = set(Channel.objects.exclude(name__in=pending, is_active=False).values_list("name"))
        fresh = [each.name for each in self._table.channels if (each.name,) not in kept]
        findings.new_names = fresh
        for name in fresh[:20]:
            meant = similar(name, self._known)
            hint = f": did you mean “{meant}”?" if meant else "."
            findings.consequences.append(f"New channel “{name}”{hint}")
        if len(fresh) > 20:
            findings.consequences.append(f"{len(fresh)} new channels in all.")

    def _judge_stored(self) -> None:
        """Compare with the rows stored for the same channels and dates."""
        replaced = same = 0
        before = after = Decimal(0)
        listed: list[str] = []
        for record, row in self._beside_stored():
            replaced += 1
            before, after = before + row[0], after + record.spend
            if row == (record.spend, record.revenue):
                same += 1
            elif len(listed) < 5:
                name = self._table.channels[record.channel].name
                listed.append(f"{name} on {record.date}: spend {row[0]:,} becomes {record.spend:,}")
        self.findings.replaced = replaced
        if replaced and not self._options.update:
            reason = (
                f"{counted(replaced, 'record')} of the same channel and date stored already; "
                f"import with update to replace what is stored"
            )
            self.findings.blame(RowError(0, "date", reason))
        elif replaced:
            self.findings.consequences.append(
                f"{counted(replaced, 'stored record')} of the same channel and date are replaced, "
                f"{same} of them by equal amounts; their spend goes from {before:,} to {after:,}."
            )
            self.findings.consequences.extend(listed)

    def _beside_stored(self) -> Iterator[tuple[SpendRecord, tuple[Decimal, Decimal | None]]]:
        """The records that are stored already, with the stored spend and revenue."""
        channels, records = self._table.channels, self._table.records()
        while batch := list(islice(records, BATCH_SIZE)):
            days = [each.date for each in batch]
            rows = Performance.objects.filter(
                channel__name__in={channels[each.channel].name for each in batch},
                date__range=(min(days), max(days)),
            ).values_list("channel__name", "date", "spend", "revenue")
            stored = {(name, on): (spend, revenue) for name, on, spend, revenue in rows.iterator()}
            for each in batch if stored else ():
                row = stored.get((channels[each.channel].name, each.date))
                if row is not None:
                    yield each, row

    def _list_totals(self) -> None:
        findings = self.findings
        findings.header = ("Channel", "Records", "Spend", "Revenue", "Days without revenue")
        channels = sorted(self._table.channels, key=lambda each: -each.spend)
        findings.lines = [_line(each) for each in channels[:ROWS_LISTED]]
        if len(channels) > ROWS_LISTED:
            findings.consequences.append(f"The {ROWS_LISTED} largest channels are listed.")
        for currency in sorted({each.currency for each in channels}):
            own = [each for each in channels if each.currency == currency]
            spend = sum((each.spend for each in own), Decimal(0))
            findings.totals[f"spend in {currency}"] = f"{spend:f}"
            known = [each.revenue for each in own if each.revenue is not None]
            earned = money_text(sum(known, Decimal(0)), currency) if known else "unknown"
            if known:
                findings.totals[f"revenue in {currency}"] = f"{sum(known, Decimal(0)):f}"
            unknown = sum(each.unknown_revenue for each in own)
            beside = f", and {counted(unknown, 'record')} of unknown revenue" if unknown else ""
            findings.consequences.append(
                f"In all {money_text(spend, currency)} of spend, {earned} of revenue{beside}."
            )

    def store(self, import_id: int, progress: Progress) -> None:
        """Stage the records under the import, in transactions as short as the last one allows."""
        ids, done, size = self._channel_ids(), 0, FEWEST_STAGED
        records = self._table.records()
        with bulk.short_commits():
            while batch := list(islice(records, size)):
                rows = [self._staged(each, ids, import_id) for each in batch]
                begun = monotonic()
                with transaction.atomic():
                    bulk.insert(Performance, STAGED_COLUMNS, rows)
                size = next_size(size, monotonic() - begun)
                done += len(batch)
                progress(done, self._records, "Staging records")

    def _staged(
        self, each: SpendRecord, ids: Sequence[int], import_id: int
    ) -> tuple[int, Any, Decimal, Decimal | None, str, int, int]:
        """A row of STAGED_COLUMNS."""
        day, currency = self._on_day(each.date), self._table.channels[each.channel].currency
        amounts = (each.spend, each.revenue)
        return (ids[each.channel], day, *amounts, currency, import_id, import_revision(import_id))

    @cached_property
    def _on_day(self) -> Callable[[date], Any]:
        """How the driver takes a day."""
        adapt: Callable[[date], Any] = connection.ops.adapt_datefield_value
        return adapt

    def _channel_ids(self) -> list[int]:
        """Each channel's key; new ones are created, inactive until the import is stored.

        Their history begins when the import is stored.
        """
        names = [each.name for each in self._table.channels]
        known = Channel.objects.in_bulk(names, field_name="name")
        fresh = [each for each in self._table.channels if each.name not in known]
        Channel.objects.bulk_create(
            (Channel(name=each.name, currency=each.currency, is_active=False) for each in fresh),
            batch_size=CHANNELS_AT_ONCE,
            ignore_conflicts=True,
        )
        known = Channel.objects.in_bulk(names, field_name="name")
        return [known[name].pk for name in names]

    def close(self) -> None:
        self._table.close()


def next_size(size: int, seconds: float) -> int:
    """How many rows to stage next, after `size` took so many seconds; at most twice as many."""
    fitting = int(size * STAGING_SECONDS / max(seconds, 1e-4))
    return max(FEWEST_STAGED, min(fitting, 2 * size, MOST_STAGED))


def _line(each: ChannelTotal) -> tuple[str, ...]:
    revenue = "unknown" if each.revenue is None else money_text(each.revenue, each.currency)
    spend = money_text(each.spend, each.currency)
    return each.name, f"{each.records:,}", spend, revenue, f"{each.unknown_revenue:,}"


def activate(import_id: int) -> None:
    """Activate the channels that the import created."""
    names = imports.created_names(import_id)
    Channel.objects.filter(name__in=names, is_active=False).update(is_active=True)


def undo(import_id: int) -> list[str]:
    """The state of the import alone takes its rows out of force; `finish` deactivates channels."""
    gone = f"{counted(staged(import_id), 'record')} of spend no longer in force"
    back = "those that they had replaced are in force again, but for what a person changed since"
    said = [f"{gone}; {back}."]
    if names := imports.created_names(import_id):
        listed = ", ".join(names[:NAMED])
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        said.append(f"Inactive where nothing else uses them: {listed}{more}.")
    return said


def staged(import_id: int) -> int:
    """How many records of spend an import stored."""
    return Performance.revisions.filter(data_import=import_id).count()


def finish(import_id: int) -> None:
    """Deactivate created channels that nothing in force uses, and keep the history of all."""
    created = Channel.objects.filter(name__in=imports.created_names(import_id)).order_by("pk")
    keys = iter(created.values_list("pk", flat=True))
    while some := list(islice(keys, CHANNELS_AT_ONCE)):
        with transaction.atomic():
            in_force = Q(data_import=None) | Q(data_import__state=IN_FORCE)
            used = Performance.revisions.filter(in_force, channel=OuterRef("pk"))
            channels = Channel.objects.filter(pk__in=some)
            channels.filter(~Exists(used), is_active=True).update(is_active=False)
            tracking.keep(Channel, channels)


def discard(import_id: int) -> None:
    """Delete what the import staged, in short transactions, and channels that nothing else uses."""
    bulk.forget(Performance.revisions.filter(data_import=import_id))
    names = imports.created_names(import_id)
    unused = Channel.objects.filter(name__in=names, is_active=False)
    for channel in unused.exclude(pk__in=Performance.revisions.values("channel")):
        with suppress(ProtectedError):  # a plan or a lift test names it
            channel.delete()


SPEND_TARGET = ImportTarget(
    KIND,
    "Spend and revenue by channel and date",
    csv_columns.PERFORMANCE,
    CheckedSpend,
    (
        ("date", "channel", "spend", "revenue", "currency"),
        ("2026-10-05", "Paid search", "1204.55", "6310.20", "USD"),
        ("2026-10-05", "Podcast", "610.42", "", "USD"),
        ("2026-10-12", "Paid search", "1198.02", "5905.00", "USD"),
    ),
    activate,
    undo,
    discard,
    finish,
)
