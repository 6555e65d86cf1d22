from django.db import migrations, models

OLD, NEW = "standing", "in_force"


def rename(apps, _schema):
    apps.get_model("enterprise", "SlaBreach").objects.filter(state=OLD).update(state=NEW)


def name_back(apps, _schema):
    apps.get_model("enterprise", "SlaBreach").objects.filter(state=NEW).update(state=OLD)


class Migration(migrations.Migration):

    dependencies = [
        ('enterprise', '0005_owner_weights_and_first_value'),
    ]

    operations = [
        migrations.RunPython(rename, name_back),
        migrations.AlterField(
            model_name='slabreach',
            name='state',
            field=models.CharField(choices=[('in_force', 'in force'), ('superseded', 'superseded by another target'), ('withdrawn', 'withdrawn by a change of the calendar')], default='in_force', max_length=10),
        ),
    ]
