"""The pack's tables, read from keys, versions, policies, passes and the audit chain."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from typing import Any

from security.audit import reports as audit
from security.audit.models import Event
from security.compliance import findings
from security.compliance.findings import Had, Kept
from security.compliance.pack import Sheet
from security.rotation import reports as keys
from security.rotation import schedule
from security.rotation.models import ManagedSecret, RotationPolicy, RotationRun, SecretVersion
from security.rotation.policy import LEVELS

STREAMS = "key:"  # what the streams of keys begin with
INVENTORY = (
    *("key_id", "key_type", "level", "rotator", "state", "owner", "version", "interval_days"),
    *("created_at", "last_rotated_at", "due_at"),
)
HISTORY = (
    *("key__key_id", "number", "state", "reason", "actor", "created_at", "set_at", "current_at"),
    *("retire_at", "extended_at", "last_used_at", "ended_at", "destroyed_at"),
)
PASSES = (
    *("begun_at", "ended_at", "actor", "due", "rotated", "failed", "held_back"),
    *("paused_because", "resumed_at", "resumed_by"),
)
CHAIN = ("stream", "seq", "at", "event", "subject", "actor", "detail", "previous", "hash")


def sheets(now: datetime) -> list[Sheet]:
    """Everything the pack holds."""
    return [inventory(now), policy(), history(), exceptions(now), passes(), links(), proof()]


def inventory(now: datetime) -> Sheet:
    rows = [
        (*(getattr(key, name) for name in INVENTORY), schedule.standing(key, now))
        for key in keys.keys().order_by("key_id")
    ]
    return Sheet("inventory", "Every managed key.", (*INVENTORY, "standing"), rows)


def policy() -> Sheet:
    """What holds for each level, and where it is said."""
    set_by_staff = {row.level: row for row in RotationPolicy.objects.all()}
    rows = []
    for level, terms in keys.all_terms().items():
        row = set_by_staff.get(level)
        days = "policy" if row and row.interval_days else "settings"
        grace = "policy" if row and row.grace_minutes is not None else "default"
        hours = terms.grace / timedelta(hours=1)
        rows.append((level, terms.interval_days, days, hours, grace))
    header = ("level", "interval_days", "interval_from", "grace_hours", "grace_from")
    return Sheet("policy", f"What the {len(LEVELS)} levels ask for.", header, rows)


def history() -> Sheet:
    rows = SecretVersion.objects.order_by("key__key_id", "number").values_list(*HISTORY)
    header = tuple(name.removeprefix("key__") for name in HISTORY)
    return Sheet("history", "Every version there was, and what became of it.", header, list(rows))


def exceptions(now: datetime) -> Sheet:
    """Where a key was not kept as its policy says."""
    kept = ManagedSecret.objects.order_by("key_id").values_list(*Kept._fields)
    found = chain(
        findings.of_keys((Kept(*row) for row in kept), now),
        findings.of_versions(had(), now),
    )
    rows = [tuple(each) for each in found]
    words = "What an auditor asks about: late, failing, compromised, put off, kept too long."
    return Sheet("exceptions", words, findings.Finding._fields, rows)


def had() -> Iterator[Had]:
    """Each version with the time at which the next one took over."""
    columns = ("key__key_id", "number", "state", "reason", "current_at", "extended_at")
    rows = SecretVersion.objects.order_by("key__key_id", "number")
    values = list(rows.values_list(*columns, "key__interval_days"))
    for row, after in zip_longest(values, values[1:]):
        name, number, state, reason, current_at, extended_at, days = row
        replaced_at = after[4] if after and after[0] == name else None
        interval = timedelta(days=days)
        yield Had(name, number, state, reason, current_at, replaced_at, extended_at, interval)


def passes() -> Sheet:
    rows = RotationRun.objects.order_by("begun_at", "pk").values_list(*PASSES)
    return Sheet("passes", "Every look for keys that were due.", PASSES, list(rows))


def links() -> Sheet:
    """The keys' streams of the audit chain, link by link: anybody can compute it again."""
    rows = Event.objects.filter(stream__startswith=STREAMS).order_by("stream", "seq")
    words = "The audit chain of every key. Each hash covers the one before it."
    return Sheet("chain", words, CHAIN, list(rows.values_list(*CHAIN)))


def proof() -> Sheet:
    """What is wrong with the chain, which should be nothing; the streams' ends; the last anchor."""
    faults = [("fault", str(each.stream), each.seq, str(each)) for each in audit.chain_faults()]
    ends = [
        ("end", stream, end.seq, end.hash)
        for stream, end in audit.stream_ends().items()
        if stream.startswith(STREAMS)
    ]
    anchors = [("anchor", each.at, each.number, each.root) for each in audit.stored_anchors()[-1:]]
    rows: Iterable[Any] = [*(faults or [("whole", "all streams", 0, "No fault.")]), *ends, *anchors]
    words = "What verify_audit finds, where each stream ends, and the newest anchor's root."
    return Sheet("proof", words, ("what", "where", "number", "words"), list(rows))


def lately(limit: int = 50) -> list[SecretVersion]:
    """The newest values that became current, with their keys."""
    rows = SecretVersion.objects.exclude(current_at=None).select_related("key")
    return list(rows.order_by("-current_at", "-pk")[:limit])
