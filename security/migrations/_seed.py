"""Roles, levels, schedules and the audit's triggers, from the first start."""

from datetime import timedelta

from django.db import migrations

from operations.automations.seeding import seed, seed_task
from security.audit.triggers import install, remove

ROLES = ("viewer", "operator", "approver", "security officer", "administrator")
LEVELS = ("critical", "high", "medium", "low")
HOUR = timedelta(hours=1)


def seed_roles(apps, schema_editor):
    """A group for each role; what a group may do is set after every migrate."""
    group = apps.get_model("auth", "Group")
    for name in ROLES:
        group.objects.get_or_create(name=name)


def seed_levels(apps, schema_editor):
    """A row a level, to be filled in where staff want other terms than the settings'."""
    policy = apps.get_model("security", "RotationPolicy")
    for level in LEVELS:
        policy.objects.get_or_create(level=level)


def seed_schedules(apps, schema_editor):
    seed(apps, name="security.anchor_audit", title="Anchor the audit", every=HOUR, mode="auto")
    seed(apps, name="security.verify_audit", title="Verify the audit", at="02:30", mode="auto")
    seed(
        apps, name="security.rotate_keys", title="Rotate keys that are due", at="01:30", mode="auto"
    )
    # A rotation moves no business figure, a key's row has no age, and runs have their own limit.
    rows = apps.get_model("operations", "Automation").objects.filter(name="security.rotate_keys")
    rows.update(largest_change_percent=None, data_age_hours=None, applied_per_day=None)
    for name, every in [
        ("security.resume_rotations", timedelta(minutes=1)),
        ("security.update_key_alerts", timedelta(minutes=10)),
        ("security.check_api_keys", timedelta(minutes=10)),
    ]:
        seed_task(apps, name=name, task=name, every=every)


OPERATIONS = [
    migrations.RunPython(install, remove),
    migrations.RunPython(seed_roles, migrations.RunPython.noop),
    migrations.RunPython(seed_levels, migrations.RunPython.noop),
    migrations.RunPython(seed_schedules, migrations.RunPython.noop),
]
