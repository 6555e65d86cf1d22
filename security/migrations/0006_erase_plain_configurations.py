"""Rewrite an SQLite file, whose free pages still hold the texts that were encrypted before.

PostgreSQL frees such rows by itself.
"""

from django.db import migrations

COLUMNS = (
    ("operations_component", "target"),
    ("operations_destination", "address"),
    ("security_keychannel", "config"),
    ("security_managedsecret", "config"),
)


def erase(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        for table, column in COLUMNS:
            cursor.execute(f"SELECT 1 FROM {table} WHERE {column} <> '' LIMIT 1")
            if cursor.fetchone():
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                return


class Migration(migrations.Migration):
    atomic = False  # VACUUM cannot run in a transaction

    dependencies = [
        ("operations", "0013_sealed_addresses"),
        ("security", "0005_keep_tasks_of_deleted_channels"),
    ]

    operations = [
        migrations.RunPython(erase, migrations.RunPython.noop),
    ]
