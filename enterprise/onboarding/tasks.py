"""Tasks that do what automation has to do; the rows decide what that is."""

from celery import shared_task
from django.utils import timezone

from enterprise.onboarding.services import automation, wake_worker

MESSAGE_EXPIRY_SECONDS = 60


@shared_task(name="enterprise.run_onboarding_actions", ignore_result=True)
def run_onboarding_actions() -> None:
    """Do what is due, and make ready what waited for a lag. Two at once do nothing twice."""
    automation.advance_lagged(timezone.now())
    automation.run_due()


def send_soon() -> None:
    """Tell a worker, without waiting long for a broker that is down."""
    run_onboarding_actions.apply_async(expires=MESSAGE_EXPIRY_SECONDS, retry=False)


wake_worker.callbacks.append(send_soon)
