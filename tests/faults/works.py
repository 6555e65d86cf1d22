"""Automations made for faults: each takes some seconds, and has one effect keyed by its run."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings
from django.db import transaction

STEP = 0.1
NAMES = tuple(f"fault.{number}" for number in range(int(os.environ.get("FAULT_WORKS", "6"))))
EVERY = timedelta(seconds=int(os.environ.get("FAULT_EVERY", "10")))
SECONDS = tuple(map(float, os.environ.get("FAULT_SECONDS", "3").split()))  # the last for the rest
MISSED = tuple(os.environ.get("FAULT_MISSED", "all").split())


class WorksConfig(AppConfig):
    """Makes them known to a worker that is started with the settings beside this."""

    name = "tests.faults"
    label = "faults"

    def ready(self):
        from operations.automations.registry import (  # noqa: PLC0415 - models exist only now
            AutomationSpec,
            automation_registry,
        )

        for name in NAMES:
            automation_registry.register(AutomationSpec(name, name, perform))


def perform(context):
    """Work a while, then leave one row; each begin and each effect is a line in a file."""
    from aethercrown.models import IdempotencyRecord  # noqa: PLC0415 - models exist only now
    from operations.automations.registry import RunOutcome  # noqa: PLC0415

    note("begin", context)
    ends = time.monotonic() + own(SECONDS, context.automation)
    while time.monotonic() < ends:
        if not context.may_continue():
            return RunOutcome("Lost it.")
        time.sleep(STEP)
    with transaction.atomic():
        _row, is_new = IdempotencyRecord.objects.get_or_create(
            principal="fault",
            key=str(context.run_id),
            defaults={"created_at": context.now, "lease_until": context.now},
        )
    note("effect" if is_new else "repeat", context)
    return RunOutcome("Done.")


def own(values, name):
    """What one automation has of them; the last counts for all that follow."""
    return values[min(NAMES.index(name), len(values) - 1)]


def note(what, context):
    line = json.dumps(
        {
            "what": what,
            "name": context.automation,
            "run": context.run_id,
            "pid": os.getpid(),
            "at": time.time(),
        }
    )
    place = Path(settings.DATA_DIR) / "faults.log"
    handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode() + b"\n")
    finally:
        os.close(handle)


def seed():
    """Give each its row and its schedule, and leave nothing else to do."""
    from django.apps import apps  # noqa: PLC0415 - models exist only now

    from operations.automations import seeding  # noqa: PLC0415
    from operations.automations.models import Automation  # noqa: PLC0415

    Automation.objects.all().update(is_enabled=False)
    for name in NAMES:
        seeding.seed(apps, name=name, title=name, every=EVERY, missed=own(MISSED, name))
