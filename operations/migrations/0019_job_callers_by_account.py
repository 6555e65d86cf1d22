"""Name the callers of earlier jobs as those of today are named: a person by account.

Callers of the API stood there by their account's number (user:7), people of the pages by name
(user:vera). A name that nobody has any more, or only since after the job, stays.
"""

from django.conf import settings
from django.db import migrations

BY_NUMBER = "marketing.optimize_budget"  # the one kind that the API started


def name_by_account(apps, schema_editor):
    jobs = apps.get_model("operations", "Job").objects.filter(caller__startswith="user:")
    people = apps.get_model("security", "User").objects
    for job in jobs.only("kind", "caller", "created_at", "ended_at", "caller_slot").iterator():
        called = job.caller.removeprefix("user:")
        if job.kind == BY_NUMBER and called.isascii() and called.isdecimal():
            account = called
        else:
            named = people.filter(username=called, date_joined__lte=job.created_at)
            account = named.values_list("pk", flat=True).first()
        if account is not None:
            job.caller = f"account:{account}"
            job.caller_slot = None  # an open job of today may have it
            job.save(update_fields=["caller", "caller_slot"])


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("operations", "0018_sending_rules"),
    ]

    operations = [migrations.RunPython(name_by_account, migrations.RunPython.noop)]
