"""What `manage.py doctor` reports of the built-in checks and of the automations."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from django.conf import settings
from django.utils import timezone

from aethercrown.formatting import counted
from aethercrown.monitoring.doctor import BAD, CAUTION, GOOD, DoctorCheck, Finding
from operations.automations import reports
from operations.automations.models import Automation
from operations.automations.registry import automation_registry
from operations.health.registry import Degraded, HealthCheck, Off, Unhealthy, Unknown

MAX_FUTURE_RUNS = 5
FIX_HINTS = {
    "database": "Start the server that DATABASE_URL names, or look at its log; on SQLite, at the "
    "disk and the rights of the data folder.",
    "broker": "Start the server that REDIS_URL names, or the platform itself: make run.",
    "cache": "Repair the broker: the cache is in the same server.",
    "worker": "Start a worker: make run, or celery -A aethercrown.celery worker.",
    "beat": "Start beat, which sends scheduled tasks: make run, or "
    "celery -A aethercrown.celery beat.",
    "disk": "Free space on the disk, or move DATA_DIR to a larger one.",
    "mail": "Correct EMAIL_URL, or start the mail server.",
}


def findings(check: HealthCheck) -> Iterator[Finding]:
    """The result of a built-in check."""
    hint = FIX_HINTS.get(check.name, "Its page under /dashboards/health says more.")
    try:
        check.run()
    except (Degraded, Unknown) as reason:
        yield Finding(CAUTION, str(reason), hint)
    except Off as reason:
        yield Finding(GOOD, f"Off, so nothing is checked. {reason}")
    except Unhealthy as reason:
        yield Finding(BAD, str(reason), hint)
    except Exception as error:  # noqa: BLE001 - drivers have exceptions of their own
        words = " ".join(f"{type(error).__name__}: {error}".split())
        yield Finding(BAD, f"It does not work: {words}", hint)
    else:
        yield Finding(GOOD, "It works.")


def schedules(clock: Callable[[], datetime] = timezone.now) -> Iterator[Finding]:
    """Whether each automation has a schedule, and automations are enabled."""
    known = set(Automation.objects.values_list("name", flat=True))
    missing = sorted(set(automation_registry.names()) - known)
    if missing:
        text = f"{counted(len(missing), 'automation')} without a schedule: {', '.join(missing)}."
        yield Finding(BAD, text, "./manage.py migrate")
    for words in reports.broken_promises(clock()):
        yield Finding(BAD, words, "Save its schedule again, in the admin under Automations.")
    ahead = reports.ahead(clock()).select_related("automation")
    for run in ahead[:MAX_FUTURE_RUNS]:
        text = f"{run} is {run.state} already: the clock was ahead. It does not run then again."
        yield Finding(CAUTION, text, "Keep the clock right: turn on the system's NTP service.")
    if not settings.AUTOMATION_ENABLED:
        text = "AUTOMATION_ENABLED is False: no automation runs."
        yield Finding(CAUTION, text, "Set AUTOMATION_ENABLED=True.")
    if not missing and settings.AUTOMATION_ENABLED:
        yield Finding(GOOD, f"Every automation has a schedule ({len(known)}).")


def doctor_checks(checks: tuple[HealthCheck, ...]) -> list[DoctorCheck]:
    """What this feature registers with the doctor."""
    builtin = [DoctorCheck(each.name, each.title, partial(findings, each)) for each in checks]
    return [*builtin, DoctorCheck("schedules", "Automations", schedules)]
