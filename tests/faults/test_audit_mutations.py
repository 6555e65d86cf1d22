"""The audit changed 10,000 times as its database's owner could: every change is found and named.

Each change is made in plain SQL with the triggers off, looked for as verify_audit does, and
rolled back. FAULT_SEED repeats a run, FAULT_MUTATIONS sets their number.
"""

import json
import os
import secrets
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from security.audit import reports, services
from tests.security.audit import tampering

pytestmark = [pytest.mark.fault, pytest.mark.django_db]
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
COUNT = int(os.environ.get("FAULT_MUTATIONS", "10000"))
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def audit(settings, tmp_path):
    """Four streams and a history, anchored half-way and at the end."""
    settings.AUDIT_ANCHORS = tmp_path / "anchors"
    groups = [Group(name=f"group {number}") for number in range(6)]
    for part in range(2):
        for group in groups:
            group.name = f"{group.name}{part}"
            group.save()
        said = [
            services.AuditEntry(stream, "test.said", f"s{number}", "user:anna", {"n": number})
            for stream, count in (("access", 12), ("admin", 9), ("key:1", 4))
            for number in range(count)
        ]
        services.record_all(said, NOON + timedelta(minutes=part))
        services.anchor(NOON + timedelta(hours=part))
    tampering.as_owner()


def test_every_change_of_the_audit_is_found(audit):
    assert [*reports.chain_faults(), *reports.history_faults()] == []
    random = Random(SEED)  # noqa: S311 - reproducible, not secret
    made: Counter[str] = Counter()
    found, named, lost = 0, 0, []
    for _ in range(COUNT):
        with transaction.atomic():
            done = tampering.tamper(random, tampering.ALL)
            faults = reports.chain_faults() or reports.history_faults()
            transaction.set_rollback(True)
        made[done.act] += 1
        found += bool(faults)
        named += done.named_by(faults)
        if not done.named_by(faults):
            lost.append((done, [str(fault) for fault in faults]))
    verdict = {
        "fault": "R13 audit changed by the database's owner",
        "database": connection.vendor,
        "seed": SEED,
        "changes": COUNT,
        "found": found,
        "first_bad_row_named": named,
        "by_kind": dict(made.most_common()),
    }
    print(json.dumps(verdict))  # noqa: T201 - the figure that `make faults` prints
    assert (found, named) == (COUNT, COUNT), lost[:3]
