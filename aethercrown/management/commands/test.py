"""Listed by `manage.py help`; manage.py itself runs it, before the settings are read."""

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run every check and the whole suite; after -- name tests to run only those."

    def handle(self, **_options: object) -> None:
        self.stderr.write("Start the checks by: python manage.py test")
