"""The task that checks API keys that are about to end."""

import logging

from celery import shared_task
from django.utils import timezone

from security.apikeys import services

log = logging.getLogger(__name__)


@shared_task(name="security.check_api_keys", ignore_result=True)
def check_api_keys() -> None:
    """Runs every ten minutes; running twice does no harm."""
    log.info("API keys checked", extra={"done": services.check_expiring_keys(timezone.now())})
