"""The Celery app: tasks of every installed app, settings under CELERY_."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aethercrown.settings")

app = Celery("aethercrown")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
