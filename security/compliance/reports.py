"""The pack's tables: keys, policies, versions, rotation runs and the audit chain."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db.models import Window
from django.db.models.functions import Lead

from security.audit import reports as audit
from security.audit.models import Event
from security.compliance import policy_exceptions as rules
from security.compliance.pack import PackTable
from security.compliance.policy_exceptions import KeySummary, VersionSummary
from security.rotation import reports as keys
from security.rotation.models import (
    KeyChannel,
    ManagedSecret,
    OutsideTask,
    RotationPolicy,
    RotationRun,
    SecretBinding,
    SecretVersion,
)
from security.rotation.schedule import LEVELS

KEY_STREAM_PREFIX = "key:"
INVENTORY = (
    *("key_id", "key_type", "level", "rotator", "state", "owner", "version", "interval_days"),
    *("created_at", "last_rotated_at", "due_at"),
)
HISTORY = (
    *("key__key_id", "number", "state", "reason", "actor", "created_at", "set_at", "current_at"),
    *("retire_at", "extended_at", "last_used_at", "ended_at", "destroyed_at"),
)
ROTATION_RUNS = (
    *("begun_at", "ended_at", "mode", "actor", "due", "rotated", "failed", "held_back"),
    *("paused_because", "resumed_at", "resumed_by"),
)
BINDINGS = ("key__key_id", "purpose", "host", "port", "tls", "networks")
CHANNELS = ("key__key_id", "name", "kind", "tested_at", "error", "read_version", "read_at")
OUTSIDE = (
    *("key__key_id", "version__number", "place", "state", "tries", "last_error"),
    *("created_at", "ended_at", "ended_by"),
)
CHAIN = ("stream", "seq", "at", "event", "subject", "actor", "detail", "previous", "hash")


def tables(now: datetime) -> list[PackTable]:
    """Everything the pack holds."""
    where = [bindings(), delivery_channels(), tasks_outside()]
    made = [inventory(now), policy(), history(), exceptions(now), rotation_runs()]
    return [*made, *where, links(), proof()]


def inventory(now: datetime) -> PackTable:
    rows = [
        (*(getattr(key, name) for name in INVENTORY), keys.status_of(key, now))
        for key in keys.keys_with_version().order_by("key_id")
    ]
    return PackTable("inventory", "Every managed key.", (*INVENTORY, "status"), rows)


def policy() -> PackTable:
    """The effective policy of each level, and where it is set."""
    set_by_staff = {row.level: row for row in RotationPolicy.objects.all()}
    rows = []
    for level, terms in keys.effective_policies().items():
        row = set_by_staff.get(level)
        days = "policy" if row and row.interval_days else "settings"
        grace = "policy" if row and row.grace_minutes is not None else "default"
        hours = terms.grace / timedelta(hours=1)
        rows.append((level, terms.interval_days, days, hours, grace))
    header = ("level", "interval_days", "interval_from", "grace_hours", "grace_from")
    return PackTable("policy", f"The effective policy of the {len(LEVELS)} levels.", header, rows)


def history() -> PackTable:
    rows = SecretVersion.objects.order_by("key__key_id", "number").values_list(*HISTORY)
    header = tuple(name.removeprefix("key__") for name in HISTORY)
    return PackTable(
        "history", "Every version there was, and what became of it.", header, list(rows)
    )


def exceptions(now: datetime) -> PackTable:
    """Where a key was not managed as its policy demands."""
    keys_ = ManagedSecret.objects.order_by("key_id").values_list(*KeySummary._fields)
    found = chain(
        rules.of_keys((KeySummary(*row) for row in keys_), now),
        rules.of_versions(version_summaries(), now),
    )
    rows = [tuple(each) for each in found]
    words = "Keys and versions that were late, failing, compromised, extended or current too long."
    return PackTable("exceptions", words, rules.PolicyException._fields, rows)


def version_summaries() -> Iterator[VersionSummary]:
    """Each version with the time at which the next one took over."""
    next_one = Window(Lead("current_at"), partition_by="key_id", order_by="number")
    columns = ("key__key_id", "number", "state", "current_at", "replaced_at", "extended_at")
    rows = SecretVersion.objects.annotate(replaced_at=next_one).order_by("key__key_id", "number")
    for row in rows.values_list(*columns, "key__interval_days"):
        yield VersionSummary._make([*row[:-1], timedelta(days=row[-1])])


def rotation_runs() -> PackTable:
    rows = RotationRun.objects.order_by("begun_at", "pk").values_list(*ROTATION_RUNS)
    return PackTable("rotation_runs", "Every scheduled rotation run.", ROTATION_RUNS, list(rows))


def bindings() -> PackTable:
    rows = SecretBinding.objects.order_by("key__key_id", "host", "port").values_list(*BINDINGS)
    header = ("key_id", *BINDINGS[1:])
    return PackTable("bindings", "Where each stored secret may be used.", header, list(rows))


def delivery_channels() -> PackTable:
    rows = KeyChannel.objects.order_by("key__key_id", "name").values_list(*CHANNELS)
    words = "How new values reach their users, and when that was last shown."
    return PackTable("channels", words, ("key_id", *CHANNELS[1:]), list(rows))


def tasks_outside() -> PackTable:
    rows = OutsideTask.objects.order_by("created_at", "pk").values_list(*OUTSIDE)
    words = "Values that were ended here and were to be ended outside."
    return PackTable("outside", words, ("key_id", "version", *OUTSIDE[2:]), list(rows))


def links() -> PackTable:
    """The keys' streams of the audit chain; every hash can be computed again."""
    rows = Event.objects.filter(stream__startswith=KEY_STREAM_PREFIX).order_by("stream", "seq")
    words = "The audit chain of every key. Each hash covers the one before it."
    return PackTable("chain", words, CHAIN, list(rows.values_list(*CHAIN)))


def proof() -> PackTable:
    """The faults of the chain, the streams' ends, and the last anchor."""
    faults = [("fault", str(each.stream), each.seq, str(each)) for each in audit.chain_faults()]
    ends = [
        ("end", stream, end.seq, end.hash)
        for stream, end in audit.stream_ends().items()
        if stream.startswith(KEY_STREAM_PREFIX)
    ]
    anchors = [("anchor", each.at, each.number, each.root) for each in audit.stored_anchors()[-1:]]
    rows: Iterable[Any] = [*(faults or [("no fault", "all streams", 0, "")]), *ends, *anchors]
    words = "What verify_audit finds, the end of each stream, and the root of the newest anchor."
    return PackTable("proof", words, ("what", "where", "number", "text"), list(rows))
