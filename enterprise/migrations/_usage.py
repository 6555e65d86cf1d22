"""Monthly partitions of the usage events on PostgreSQL, and the schedules of usage."""

from datetime import timedelta

from django.db import migrations

from operations.automations.seeding import seed

TABLE = "enterprise_usageevent"
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


OPERATIONS = [
    migrations.RunPython(partition_events, migrations.RunPython.noop),
    migrations.RunPython(seed_schedules, migrations.RunPython.noop),
]
