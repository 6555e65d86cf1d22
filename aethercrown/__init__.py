"""The project: settings, the way in (API, pages, probes), money, outbound calls and the processes.

Bottom layer: knows no app, and names them only as strings.
"""

from aethercrown.celery import app as celery_app

__all__ = ["celery_app"]
