from django.core.management import call_command
from django.db import connection
from django.db.models.signals import pre_migrate


def limit():
    if connection.vendor == "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return cursor.fetchone()[0]


def test_a_migration_may_take_longer_than_a_statement_of_a_request(db):
    seen = []

    def look(**_given):
        seen.append(limit())

    pre_migrate.connect(look, weak=False)
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        pre_migrate.disconnect(look)
    known = {None} if connection.vendor == "sqlite" else {"0"}
    assert set(seen) == known
    assert limit() in {None, "10s"}
