"""Triggers that keep published prices, MRR movements and billed rows; default prices; schedules.

A later migration that rebuilds revenue_pricebookversion on SQLite must drop these triggers and create
them again: SQLite does not rename a table that a trigger names.
"""

from django.db import migrations

from operations.automations.seeding import seed
from revenue.pricing.seeding import seed_default_book as seed_prices

ROW_TABLES = ("planprice", "plancharge", "pricefactor", "planrule")
FIXED_COLUMNS = (
    "book_id number effective_from largest_discount largest_change digest published_at"
    " published_by created_at"
).split()
VERSION_MESSAGE = "A published version of a price book never changes."


def protect_published_prices(apps, schema_editor):
    by_vendor = {"postgresql": postgresql_triggers, "sqlite": sqlite_triggers}
    for statement in by_vendor.get(schema_editor.connection.vendor, lambda: [])():
        schema_editor.execute(statement)


def unprotect_published_prices(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for table in (*ROW_TABLES, "pricebookversion"):
        for name in (f"revenue_{table}_immutable", f"revenue_{table}_immutable_insert"):
            on = f" ON revenue_{table}" if vendor == "postgresql" else ""
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")
    if vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION IF EXISTS revenue_protect_row()")
        schema_editor.execute("DROP FUNCTION IF EXISTS revenue_protect_version()")


def postgresql_triggers():
    """FOR SHARE makes a writer wait for a publication that is in progress."""
    changed = " OR ".join(f"NEW.{each} IS DISTINCT FROM OLD.{each}" for each in FIXED_COLUMNS)
    yield f"""
        CREATE FUNCTION revenue_protect_row() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' AND EXISTS (
                SELECT 1 FROM (SELECT state FROM revenue_pricebookversion
                WHERE id = OLD.version_id FOR SHARE) version WHERE state <> 'draft'
            ) THEN RAISE EXCEPTION '{VERSION_MESSAGE}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF TG_OP <> 'DELETE' AND EXISTS (
                SELECT 1 FROM (SELECT state FROM revenue_pricebookversion
                WHERE id = NEW.version_id FOR SHARE) version WHERE state <> 'draft'
            ) THEN RAISE EXCEPTION '{VERSION_MESSAGE}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        END $$"""
    yield f"""
        CREATE FUNCTION revenue_protect_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.state <> 'draft' AND (TG_OP = 'DELETE' OR NEW.state = 'draft' OR {changed})
            THEN RAISE EXCEPTION '{VERSION_MESSAGE}' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        END $$"""
    for table in ROW_TABLES:
        yield f"""
            CREATE TRIGGER revenue_{table}_immutable BEFORE INSERT OR UPDATE OR DELETE
            ON revenue_{table} FOR EACH ROW EXECUTE FUNCTION revenue_protect_row()"""
    yield """
        CREATE TRIGGER revenue_pricebookversion_immutable BEFORE UPDATE OR DELETE
        ON revenue_pricebookversion FOR EACH ROW EXECUTE FUNCTION revenue_protect_version()"""


def sqlite_triggers():
    """Deletion is not refused: without TRUNCATE, SQLite empties a table by deleting its rows."""
    for table in ROW_TABLES:
        for name, event, ids in (
            ("immutable", "UPDATE", "(OLD.version_id, NEW.version_id)"),
            ("immutable_insert", "INSERT", "(NEW.version_id)"),
        ):
            yield f"""
                CREATE TRIGGER revenue_{table}_{name} BEFORE {event} ON revenue_{table}
                WHEN EXISTS (SELECT 1 FROM revenue_pricebookversion WHERE id IN {ids} AND state <> 'draft')
                BEGIN SELECT RAISE(ABORT, '{VERSION_MESSAGE}'); END"""
    changed = " OR ".join(f"NEW.{each} IS NOT OLD.{each}" for each in FIXED_COLUMNS)
    yield f"""
        CREATE TRIGGER revenue_pricebookversion_immutable BEFORE UPDATE ON revenue_pricebookversion
        WHEN OLD.state <> 'draft' AND (NEW.state = 'draft' OR {changed})
        BEGIN SELECT RAISE(ABORT, '{VERSION_MESSAGE}'); END"""


def seed_default_prices(apps, schema_editor):
    seed_prices(apps)


IMMUTABLE_TABLES = (
    "revenue_mrrmovement",
    "revenue_dailyuse",
    "revenue_invoice",
    "revenue_adjustment",
)
IMMUTABLE_SQLITE = """
CREATE TRIGGER {table}_immutable BEFORE UPDATE ON {table}
BEGIN SELECT RAISE(ABORT, 'this row cannot be changed'); END
"""
IMMUTABLE_FUNCTION = """
CREATE FUNCTION revenue_immutable_row() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'this row cannot be changed' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
IMMUTABLE_POSTGRESQL = """
CREATE TRIGGER {table}_immutable BEFORE UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION revenue_immutable_row()
"""


def guard_immutable_rows(apps, schema_editor):
    """Triggers that refuse updates of MRR movements, daily usage, invoices and adjustments."""
    vendor = schema_editor.connection.vendor
    if vendor == "postgresql":
        schema_editor.execute(IMMUTABLE_FUNCTION)
    statement = {"sqlite": IMMUTABLE_SQLITE, "postgresql": IMMUTABLE_POSTGRESQL}[vendor]
    for table in IMMUTABLE_TABLES:
        schema_editor.execute(statement.format(table=table))


def unguard_immutable_rows(apps, schema_editor):
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for table in IMMUTABLE_TABLES:
        on = f" ON {table}" if is_postgresql else ""
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_immutable{on}")
    if is_postgresql:
        schema_editor.execute("DROP FUNCTION IF EXISTS revenue_immutable_row()")


def seed_schedules(apps, schema_editor):
    seed(
        apps,
        name="revenue.check_mrr",
        title="Check the MRR ledger against the subscriptions",
        at="02:20",
        mode="auto",
    )
    seed(apps, name="revenue.upsell", title="Find upsell opportunities", at="04:10")
    seed(apps, name="revenue.issue_invoices", title="Issue the month's invoices", at="04:40")
    rows = apps.get_model("operations", "Automation").objects
    # An offer costs nothing and may bring nothing, so no sure gain is asked of it.
    rows.filter(name="revenue.upsell").update(
        largest_change_percent=None, needs_sure_gain=False, data_age_hours=None
    )
    # What is billed is in rows as old as their month, so no age of data is asked of it.
    rows.filter(name="revenue.issue_invoices").update(data_age_hours=None)


OPERATIONS = [
    migrations.RunPython(protect_published_prices, unprotect_published_prices),
    migrations.RunPython(seed_default_prices, migrations.RunPython.noop),
    migrations.RunPython(guard_immutable_rows, unguard_immutable_rows),
    migrations.RunPython(seed_schedules, migrations.RunPython.noop),
]
