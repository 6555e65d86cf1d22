"""The project's settings, with the automations made for faults."""

from aethercrown.settings import *  # noqa: F403 - the whole of them
from aethercrown.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.works.WorksConfig"]
