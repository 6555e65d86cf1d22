"""The vital parts as the doctor tells of them, and whether everything that runs by itself may."""

from collections.abc import Iterator
from functools import partial

from django.conf import settings

from aethercrown.monitoring.doctor import BAD, CAUTION, GOOD, Finding, Look
from operations.automations.models import Automation
from operations.automations.registry import automation_registry
from operations.health.registry import Faulty, Part, Strained, Unsure

MENDS = {
    "database": "Start the server that DATABASE_URL names, or look at its log; on SQLite, at the "
    "disk and the rights of the data folder.",
    "broker": "Start the server that REDIS_URL names, or the platform itself: make run.",
    "cache": "Mend the broker: the cache is kept in the same server.",
    "worker": "Start a worker: make run, or celery -A aethercrown.celery worker.",
    "beat": "Start the keeper of schedules: make run, or celery -A aethercrown.celery beat.",
    "disk": "Make room on the disk, or move DATA_DIR to a larger one.",
    "mail": "Correct EMAIL_URL, or start the mail server.",
}


def look_at(part: Part) -> Iterator[Finding]:
    """A part in the doctor's words."""
    mend = MENDS.get(part.name, "Its page under /dashboards/health says more.")
    try:
        part.work()
    except (Strained, Unsure) as reason:
        yield Finding(CAUTION, str(reason), mend)
    except Faulty as reason:
        yield Finding(BAD, str(reason), mend)
    except Exception as error:  # noqa: BLE001 - a part fails in as many ways as its library
        words = " ".join(f"{type(error).__name__}: {error}".split())
        yield Finding(BAD, f"It does not work: {words}", mend)
    else:
        yield Finding(GOOD, "It works.")


def schedules() -> Iterator[Finding]:
    """Whether each automation has its schedule, and may run."""
    known = set(Automation.objects.values_list("name", flat=True))
    missing = sorted(set(automation_registry.names()) - known)
    if missing:
        told = f"{len(missing)} automations have no schedule: {', '.join(missing)}."
        yield Finding(BAD, told, "manage.py migrate")
    if not settings.AUTOMATION_ENABLED:
        told = "AUTOMATION_ENABLED is False: nothing scheduled starts."
        yield Finding(CAUTION, told, "Set AUTOMATION_ENABLED=True.")
    if not missing and settings.AUTOMATION_ENABLED:
        yield Finding(GOOD, f"{len(known)} automations have their schedule.")


def looks(parts: tuple[Part, ...]) -> list[Look]:
    """Everything that the doctor looks at here."""
    vital = [Look(each.name, each.title, partial(look_at, each)) for each in parts]
    return [*vital, Look("schedules", "Automations", schedules)]
