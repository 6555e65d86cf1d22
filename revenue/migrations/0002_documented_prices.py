"""Published rows that the database itself keeps, and the documented defaults as the first ones.

Before a later migration rebuilds revenue_version on SQLite, it drops these triggers and makes
them again: SQLite does not rename a table that a trigger speaks of.
"""

from django.db import migrations

from revenue.pricing.seeding import seed

ROWS = ("planprice", "charge", "factor", "rule")
KEPT = (
    "book_id number effective_from largest_discount largest_change digest published_at"
    " published_by created_at"
).split()
SAYING = "A published version of a price book never changes."


def keep(apps, schema_editor):
    by_vendor = {"postgresql": postgresql, "sqlite": sqlite}
    for statement in by_vendor.get(schema_editor.connection.vendor, lambda: [])():
        schema_editor.execute(statement)


def release(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for table in (*ROWS, "version"):
        for name in (f"revenue_{table}_frozen", f"revenue_{table}_frozen_insert"):
            on = f" ON revenue_{table}" if vendor == "postgresql" else ""
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")
    if vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION IF EXISTS revenue_keep_row()")
        schema_editor.execute("DROP FUNCTION IF EXISTS revenue_keep_version()")


def postgresql():
    """Row share locks make a writer wait for a publication that is under way."""
    changed = " OR ".join(f"NEW.{each} IS DISTINCT FROM OLD.{each}" for each in KEPT)
    yield f"""
        CREATE FUNCTION revenue_keep_row() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' AND EXISTS (
                SELECT 1 FROM (SELECT state FROM revenue_version
                WHERE id = OLD.version_id FOR SHARE) held WHERE state <> 'draft'
            ) THEN RAISE EXCEPTION '{SAYING}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF TG_OP <> 'DELETE' AND EXISTS (
                SELECT 1 FROM (SELECT state FROM revenue_version
                WHERE id = NEW.version_id FOR SHARE) held WHERE state <> 'draft'
            ) THEN RAISE EXCEPTION '{SAYING}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        END $$"""
    yield f"""
        CREATE FUNCTION revenue_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.state <> 'draft' AND (TG_OP = 'DELETE' OR NEW.state = 'draft' OR {changed})
            THEN RAISE EXCEPTION '{SAYING}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        END $$"""
    for table in ROWS:
        yield f"""
            CREATE TRIGGER revenue_{table}_frozen BEFORE INSERT OR UPDATE OR DELETE
            ON revenue_{table} FOR EACH ROW EXECUTE FUNCTION revenue_keep_row()"""
    yield """
        CREATE TRIGGER revenue_version_frozen BEFORE UPDATE OR DELETE
        ON revenue_version FOR EACH ROW EXECUTE FUNCTION revenue_keep_version()"""


def sqlite():
    """Deleting stays possible here: emptying a table, as tools do, is no TRUNCATE in SQLite."""
    for table in ROWS:
        for name, event, ids in (
            ("frozen", "UPDATE", "(OLD.version_id, NEW.version_id)"),
            ("frozen_insert", "INSERT", "(NEW.version_id)"),
        ):
            yield f"""
                CREATE TRIGGER revenue_{table}_{name} BEFORE {event} ON revenue_{table}
                WHEN EXISTS (SELECT 1 FROM revenue_version WHERE id IN {ids} AND state <> 'draft')
                BEGIN SELECT RAISE(ABORT, '{SAYING}'); END"""
    changed = " OR ".join(f"NEW.{each} IS NOT OLD.{each}" for each in KEPT)
    yield f"""
        CREATE TRIGGER revenue_version_frozen BEFORE UPDATE ON revenue_version
        WHEN OLD.state <> 'draft' AND (NEW.state = 'draft' OR {changed})
        BEGIN SELECT RAISE(ABORT, '{SAYING}'); END"""


def documented(apps, schema_editor):
    seed(apps)


class Migration(migrations.Migration):

    dependencies = [("revenue", "0001_pricing")]

    operations = [
        migrations.RunPython(keep, release),
        migrations.RunPython(documented, migrations.RunPython.noop),
    ]
