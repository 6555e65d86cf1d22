from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('security', '0009_password_links'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='anchor',
            options={'ordering': ['-number'], 'verbose_name': 'signed audit digest'},
        ),
    ]
