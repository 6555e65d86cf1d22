"""Listed by `manage.py help`; manage.py itself runs it, before the settings are read."""

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run the platform in the foreground: web server, worker, schedules and broker."

    def handle(self, **_options: object) -> None:
        self.stderr.write("Start the platform by: python manage.py start")
