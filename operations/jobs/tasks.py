"""Tasks that run jobs; the rows decide which job is next."""

from typing import Any

from celery import shared_task
from celery.signals import beat_embedded_init, beat_init, worker_ready
from django.utils import timezone

from aethercrown.background import PeriodicThread
from operations.jobs import notify, services

RECOVERY_SECONDS = 5.0
MESSAGE_EXPIRY_SECONDS = 60  # by then a recovery has sent another


@shared_task(name="operations.run_jobs", ignore_result=True)
def run_jobs() -> None:
    """Run the next job, then send the task again for the one after it."""
    if services.run_next() is not None:
        send()


@shared_task(name="operations.purge_jobs", ignore_result=True)
def purge_jobs() -> None:
    """Delete old jobs."""
    services.delete_old_jobs(timezone.now())


def send() -> None:
    """Tell a worker, without waiting long for a broker that is down."""
    run_jobs.apply_async(expires=MESSAGE_EXPIRY_SECONDS, retry=False)


def recover() -> None:
    """Recover jobs of dead workers, and tell a worker of those that wait."""
    if services.recover_jobs(timezone.now()):
        send()


notify.announcers.append(send)
# in each web process, for the time that beat is away
watcher = PeriodicThread(recover, RECOVERY_SECONDS, "recovery of jobs")


@worker_ready.connect
def recover_when_a_worker_starts(**_: Any) -> None:
    """A worker that starts runs at once what waited while there was none."""
    recover()


@beat_init.connect
@beat_embedded_init.connect
def start_recovery_beside_beat(**_: Any) -> None:
    """Start the thread in beat, which neither forks nor executes tasks."""
    PeriodicThread(recover, RECOVERY_SECONDS, "recovery of jobs").start()
