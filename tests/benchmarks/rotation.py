"""Rotation at speed: `python -m tests.benchmarks.rotation [--quick] [--on postgresql|sqlite]`.

Runs on PostgreSQL (a server of its own, unless DATABASE_URL names one) and on SQLite, each in its
own process. The lower bound is a naive loop: generate a value, encrypt it over the old one,
commit. It keeps no old value, no pending one and no audit event, so a crash or a refusing target
loses the key; it shows the cost of the database alone.
"""

import argparse
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import perf_counter, process_time

from tests.benchmarks import database
from tests.benchmarks.report import Report

NAME = "tests.benchmarks.rotation"
KEYS, QUICK = 20_000, 2_000
SINGLY = 300
REQUIRED_MS, AIM_MS = 2.0, 0.2  # per key: 500 and 5,000 keys a second
ROTATORS, MANY = 50, 1_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rotation")
    parser.add_argument("--quick", action="store_true", help="fewer keys")
    parser.add_argument("--on", choices=["postgresql", "sqlite"], help="only this one, here")
    chosen = parser.parse_args()
    if chosen.on:
        return here(quick=chosen.quick)
    return max(run_in_process(NAME, on, sys.argv[1:]) for on in ("postgresql", "sqlite"))


def run_in_process(module: str, on: str, flags: list[str]) -> int:
    """Run the benchmark on one database in its own process."""
    from aethercrown.embedded import postgres  # noqa: PLC0415 - only where it is needed

    command = [sys.executable, "-m", module, "--on", on, *flags]
    given = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
    if on == "sqlite" or os.environ.get("DATABASE_URL"):
        environment = dict(os.environ) if on == "postgresql" else given
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - our own
    with postgres.running() as cluster:
        environment = {**given, "DATABASE_URL": cluster.url("aethercrown")}
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - our own


def here(*, quick: bool) -> int:
    report = Report("Rotation benchmark")
    with database.database():
        from django.db import connection  # noqa: PLC0415 - Django is set up only now

        report.say(f"# {report.title}, {connection.vendor}, load {os.getloadavg()[0]:.1f}")
        many(report, QUICK if quick else KEYS)
        singly(report)
        concurrent(report)
    return report.exit_code


def create_keys(count: int, prefix: str) -> list:
    """Create keys with their first versions and events, in bulk."""
    from security.audit.services import AuditEntry, record_all  # noqa: PLC0415 - Django is set up only now
    from security.encryption import services as encryption  # noqa: PLC0415
    from security.rotation import services  # noqa: PLC0415
    from security.rotation.models import ManagedSecret, SecretVersion  # noqa: PLC0415

    now = services.database_now()
    plain = {"key_type": "x", "rotator": "generated", "interval_days": 90, "created_at": now,
             "due_at": now, "eligible_at": now}  # fmt: skip
    keys = [ManagedSecret(key_id=f"{prefix}{number}", **plain) for number in range(count)]
    ManagedSecret.objects.bulk_create(keys, batch_size=1000)
    versions = [
        SecretVersion(key=key, number=1, state="current", reason="registered", created_at=now)
        for key in keys
    ]
    sealed = encryption.seal_many(
        [("first", each.encryption_context(each.key)) for each in versions]
    )
    for version, box in zip(versions, sealed, strict=True):
        version.ciphertext = box
    SecretVersion.objects.bulk_create(versions, batch_size=1000)
    record_all(
        AuditEntry(f"key:{key.pk}", "key.registered", key.key_id, "benchmark") for key in keys
    )
    return keys


def many(report: Report, count: int) -> None:
    """Rotate in batches: one commit to create, one to switch; events for every key."""
    from security.rotation import services  # noqa: PLC0415 - Django is set up only now
    from security.rotation.models import SecretVersion  # noqa: PLC0415
    from security.rotation.services.bulk import BATCH_SIZE  # noqa: PLC0415
    from security.rotation.services.steps import RotationRequest  # noqa: PLC0415

    report.section(f"Batches of {BATCH_SIZE}, {count:,} keys")
    keys = create_keys(count, "many")
    order = RotationRequest("scheduled")
    begun, cpu = perf_counter(), process_time()
    done = services.rotate_many(keys, order)
    spent, cpu = perf_counter() - begun, process_time() - cpu
    whole = SecretVersion.objects.filter(state="current", number=2).count()
    lower = lower_bound(keys[: count // 4])
    report.judge("wrong keys", abs(count - len(done)) + abs(count - whole), 0)
    report.judge("batches, ms a key", 1000 * spent / count, REQUIRED_MS, aim=AIM_MS)
    report.say(
        f"- {count / spent:,.0f} keys/s by the clock (asked 500, aim 5,000), {count / cpu:,.0f} a "
        f"second of this process's CPU ({1000 * cpu / count:.3f} ms a key); lower "
        f"bound (a naive loop) {lower:,.0f} keys/s by the clock"
    )


def singly(report: Report) -> None:
    """Rotate one by one, as the API does: a commit and an event for each step."""
    from security.rotation import services  # noqa: PLC0415 - Django is set up only now

    report.section(f"One by one, {SINGLY} keys")
    keys = create_keys(SINGLY, "single")
    begun = perf_counter()
    for key in keys:
        services.rotate(key.key_id)
    spent = perf_counter() - begun
    lower = lower_bound(keys)
    report.say(f"- {SINGLY / spent:,.0f} keys/s; lower bound (a naive loop) {lower:,.0f} keys/s")


def lower_bound(keys: list) -> float:
    """The naive loop: encrypt a new value over the old one, and commit."""
    import secrets  # noqa: PLC0415 - only here

    from security.encryption import services as encryption  # noqa: PLC0415
    from security.rotation.models import SecretVersion  # noqa: PLC0415

    begun = perf_counter()
    for key in keys:
        version = SecretVersion.objects.get(key=key, state="current")
        version.ciphertext = encryption.seal(
            secrets.token_urlsafe(32), version.encryption_context(key)
        )
        version.save()
    return len(keys) / (perf_counter() - begun)


def concurrent(report: Report) -> None:
    """50 threads rotating one key at the same moment, and 1,000 keys."""
    from security.rotation.models import SecretVersion  # noqa: PLC0415 - Django is set up only now

    report.section(f"{ROTATORS} rotators at once")
    [key] = create_keys(1, "one")
    begun = perf_counter()
    outcomes = Counter(at_once([[key.key_id]] * ROTATORS, expected=1))
    spent = perf_counter() - begun
    report.judge_between("rotated, of 50 on one key", outcomes["rotated"], 1, 1)
    report.judge_between("refused with 409", outcomes["409"], ROTATORS - 1, ROTATORS - 1)
    keys = [each.key_id for each in create_keys(MANY, "crowd")]
    began = perf_counter()
    outcomes = Counter(at_once([keys[at::ROTATORS] for at in range(ROTATORS)], expected=1))
    wrong = (
        MANY - SecretVersion.objects.filter(key__key_id__in=keys, state="current", number=2).count()
    )
    report.judge("wrong of 1,000 keys", wrong + MANY - outcomes["rotated"], 0)
    report.say(
        f"- one key {spent:.2f} s; 1,000 keys {MANY / (perf_counter() - began):,.0f} keys/s; "
        f"other answers: {dict(outcomes - Counter({'rotated': outcomes['rotated']}))}"
    )


def at_once(shares: list[list[str]], expected: int) -> list[str]:
    """The outcome of each rotation; every share runs in a thread with its own connection."""
    from django.db import connections  # noqa: PLC0415 - Django is set up only now

    from security.rotation import services  # noqa: PLC0415

    together = Barrier(len(shares))

    def one(names: list[str]) -> list[str]:
        together.wait(timeout=60)
        results = []
        try:
            for name in names:
                try:
                    services.rotate(name, expected_version=expected)
                    results.append("rotated")
                except services.InvalidTransition:
                    results.append("409")
                except Exception as error:  # noqa: BLE001 - counted, and shown
                    results.append(f"{type(error).__name__}: {error}"[:120])
        finally:
            connections.close_all()
        return results

    with ThreadPoolExecutor(len(shares)) as pool:
        return [word for results in pool.map(one, shares) for word in results]


if __name__ == "__main__":
    sys.exit(main())
