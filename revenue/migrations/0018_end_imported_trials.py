"""Trials that imports recorded end by themselves: until now nothing said when."""

from django.db import migrations
from django.db.models import OuterRef, Subquery


def say_when(apps, _schema_editor):
    changes = apps.get_model("revenue", "SubscriptionChange").objects
    last = changes.filter(subscription=OuterRef("pk")).order_by("-on", "-pk")
    trials = apps.get_model("revenue", "Subscription").objects.filter(
        state="trial", next_step_on=None
    )
    trials.update(next_step_on=Subquery(last.values("trial_until")[:1]))


class Migration(migrations.Migration):
    dependencies = [("revenue", "0017_imports_of_use_and_starts_ahead")]
    operations = [migrations.RunPython(say_when, migrations.RunPython.noop)]
