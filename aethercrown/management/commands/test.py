"""For `manage.py help`; manage.py runs the command itself, before it reads the settings."""

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run every check and all tests; after -- only the tests named there."

    def handle(self, **_options: object) -> None:
        self.stderr.write("Start the checks by: python manage.py test")
