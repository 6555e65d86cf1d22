"""Monthly partitions of the usage events on PostgreSQL, and the schedules of usage."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.db import migrations

from operations.automations.seeding import seed

TABLE = "enterprise_usageevent"
BATCH = 2_000  # events whose days are noted at once
# An identity column of a partitioned table needs PostgreSQL 17, so the key is of a sequence.
PARTITIONED = f"""
ALTER TABLE {TABLE} RENAME TO {TABLE}_plain;
CREATE TABLE {TABLE} (LIKE {TABLE}_plain INCLUDING DEFAULTS) PARTITION BY RANGE (occurred_at);
DROP TABLE {TABLE}_plain;
CREATE SEQUENCE {TABLE}_id_seq OWNED BY {TABLE}.id;
ALTER TABLE {TABLE} ALTER COLUMN id SET DEFAULT nextval('{TABLE}_id_seq');
ALTER TABLE {TABLE} ADD PRIMARY KEY (id, occurred_at);
CREATE INDEX enterprise_usageevent_by_id ON {TABLE} (event_id);
CREATE INDEX enterprise_usageevent_by_time ON {TABLE} (customer_id, metric_id, occurred_at);
CREATE INDEX enterprise_usageevent_received ON {TABLE} USING brin (received_at);
CREATE INDEX enterprise_usageevent_occurred ON {TABLE} USING brin (occurred_at)
"""


def partition_events(apps, schema_editor):
    """Replace the empty table by a partitioned one; months are made when they are needed."""
    if schema_editor.connection.vendor == "postgresql":
        for statement in PARTITIONED.split(";"):
            schema_editor.execute(statement)


def seed_schedules(apps, schema_editor):
    seed(
        apps,
        name="enterprise.usage_alerts",
        title="Check usage against limits",
        every=timedelta(hours=1),
        mode="auto",
    )
    seed(
        apps,
        name="enterprise.book_usage",
        title="Book used days to billing",
        every=timedelta(hours=1),
        mode="auto",
    )
    seed(
        apps,
        name="enterprise.check_usage",
        title="Check and clean up usage",
        at="03:30",
        mode="auto",
    )


def fill_days(apps, schema_editor):
    """Note the day in which each stored event counts, and how many rows a backfill stored."""
    events = apps.get_model("enterprise", "UsageEvent").objects
    rows = events.filter(day=None).order_by("pk")
    zones = dict(apps.get_model("revenue", "Customer").objects.values_list("pk", "time_zone"))
    while batch := list(rows[:BATCH]):
        for row in batch:
            zone = ZoneInfo(zones.get(row.customer_id, "UTC"))
            row.day = row.occurred_at.astimezone(zone).date()
        events.bulk_update(batch, ["day"], batch_size=500)
    for backfill in apps.get_model("enterprise", "UsageBackfill").objects.filter(state="applied"):
        backfill.stored = events.filter(backfill=backfill.pk).count()
        backfill.save(update_fields=["stored"])


OPERATIONS = [
    migrations.RunPython(partition_events, migrations.RunPython.noop),
    migrations.RunPython(seed_schedules, migrations.RunPython.noop),
]
