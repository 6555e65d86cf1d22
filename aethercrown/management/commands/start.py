"""For `manage.py help`; manage.py runs the command itself, before it reads the settings."""

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run the platform in the foreground: web server, worker, schedules and broker."

    def handle(self, **_options: object) -> None:
        self.stderr.write("Start the platform by: python manage.py start")
