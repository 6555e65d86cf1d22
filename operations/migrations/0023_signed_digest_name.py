from django.db import migrations, models

OLD, NEW = "Anchor the audit", "Sign the audit"


def rename(apps, _schema):
    rows = apps.get_model("operations", "Automation").objects
    rows.filter(name="security.anchor_audit", title=OLD).update(title=NEW)


def name_back(apps, _schema):
    rows = apps.get_model("operations", "Automation").objects
    rows.filter(name="security.anchor_audit", title=NEW).update(title=OLD)


class Migration(migrations.Migration):

    dependencies = [
        ('operations', '0022_rows_that_imports_replace'),
    ]

    operations = [
        migrations.AlterField(
            model_name='destination',
            name='takes_anchors',
            field=models.BooleanField(default=False, help_text="The audit's hourly digest, to be kept outside this platform.", verbose_name='takes signed audit digests'),
        ),
        migrations.AlterField(
            model_name='historicaldestination',
            name='takes_anchors',
            field=models.BooleanField(default=False, help_text="The audit's hourly digest, to be kept outside this platform.", verbose_name='takes signed audit digests'),
        ),
        migrations.RunPython(rename, name_back),
    ]
