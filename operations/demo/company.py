"""The demo company's tasks, components and alerts. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from operations.health.history import histogram
from operations.health.history.rollups import HOUR, Totals
from operations.scheduling.task_spec import AITask, TaskPriority

LOW, MEDIUM, HIGH, CRITICAL = TaskPriority
IMAGES = "image"  # a task type with its own pool
AGENTS = {"analyst-1": "default", "scribe-1": "default", "scribe-2": "default", "painter-1": IMAGES}
USUAL_SECONDS = {
    "research": 900.0,
    "draft": 1500.0,
    "review": 600.0,
    "translate": 420.0,
    IMAGES: 300.0,
}
CAMPAIGNS = ("spring", "partners", "webinar", "pricing-page", "onboarding")
CHECKS_PER_HOUR = 12
DAYS = 14


@dataclass(frozen=True, slots=True)
class FinishedTask:
    """A task that ended: how long ago, after how many seconds, and the error if it failed."""

    task_id: str
    task_type: str
    worker: str
    ended_before: timedelta
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class DemoComponent:
    """A component: its usual response time in ms, and its outages before today."""

    name: str
    usual_ms: float
    outages: tuple[tuple[timedelta, timedelta, str], ...] = ()  # (how long before, length, error)


COMPONENTS = (
    DemoComponent("Web shop (demo)", 120.0),
    DemoComponent(
        "Payment service (demo)",
        210.0,
        (
            (timedelta(days=9, hours=7), timedelta(minutes=42), "It answered 503, not 200 to 399."),
            (timedelta(days=3, hours=15), timedelta(minutes=18), "The connection was refused."),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class DemoAlert:
    """An alert: what it says, how long ago it began and, if it is over, ended."""

    kind: str
    subject: str
    severity: str
    message: str
    since: timedelta
    over: timedelta | None = None
    count: int = 1
    note: str = ""


ALERTS = (
    DemoAlert(
        "late",
        "Supplier feed (demo)",
        "high",
        "The supplier's price list is 31 hours old; it comes every day.",
        timedelta(hours=7),
        count=7,
    ),
    DemoAlert(
        "slow",
        "Image agent (demo)",
        "warning",
        "Pictures take 40 % longer than last week.",
        timedelta(hours=20),
        count=3,
        note="A second agent comes on Monday.",
    ),
    *(
        DemoAlert("down", name, "high", f"It is down: {why}", before, before - length)
        for name, before, length, why in (
            (component.name, *outage) for component in COMPONENTS for outage in component.outages
        )
    ),
)


def waiting() -> list[AITask]:
    """One chain of tasks for each campaign: research, a draft, its review, and a translation."""
    tasks = []
    for place, name in enumerate(CAMPAIGNS):
        priority = TaskPriority(1 + (place + 1) % 4)

        def task(kind: str, *needs: str, of: str = name, urgent: TaskPriority = priority) -> AITask:
            return AITask(f"demo-{of}-{kind}", kind, urgent, USUAL_SECONDS[kind], needs)

        tasks += [
            task("research"),
            task("draft", f"demo-{name}-research"),
            task("review", f"demo-{name}-draft"),
            task("translate", f"demo-{name}-review"),
            task(IMAGES, f"demo-{name}-research"),
        ]
    return tasks


def done(random: np.random.Generator) -> list[FinishedTask]:
    """What the agents finished in the last hours; one task failed."""
    ended = []
    for place in range(20):
        kind = list(USUAL_SECONDS)[place % len(USUAL_SECONDS)]
        workers = [name for name, pool in AGENTS.items() if (pool == IMAGES) == (kind == IMAGES)]
        seconds = USUAL_SECONDS[kind] * float(np.exp(0.3 * random.standard_normal()))
        before = timedelta(minutes=9.0 * place + 4)
        error = "The source could not be read." if place == 7 else ""
        worker = workers[place % len(workers)]
        ended.append(FinishedTask(f"demo-done-{place:02}", kind, worker, before, seconds, error))
    return ended


def hours(
    component: DemoComponent, today: datetime, random: np.random.Generator
) -> Iterator[tuple[datetime, Totals]]:
    """Each hour of the two weeks before `today`, a midnight."""
    for place in range(DAYS * 24):
        start = today - timedelta(days=DAYS) + place * HOUR
        down = sum(
            _overlap(start, today - before, length) for before, length, _ in component.outages
        )
        yield start, _checks(component.usual_ms, down, random)


def _overlap(start: datetime, began: datetime, length: timedelta) -> float:
    """Seconds of the hour from `start` that lie in an outage."""
    first, last = max(start, began), min(start + HOUR, began + length)
    return max(0.0, (last - first).total_seconds())


def _checks(usual_ms: float, down_seconds: float, random: np.random.Generator) -> Totals:
    failed = round(CHECKS_PER_HOUR * down_seconds / HOUR.total_seconds())
    times = usual_ms * np.exp(0.25 * random.standard_normal(CHECKS_PER_HOUR - failed))
    seen = [round(float(each), 3) for each in times]
    return Totals(
        up_seconds=HOUR.total_seconds() - down_seconds,
        down_seconds=down_seconds,
        checks=CHECKS_PER_HOUR,
        failed=failed,
        sum_ms=round(sum(seen), 3),
        min_ms=min(seen, default=None),
        max_ms=max(seen, default=None),
        histogram=histogram.from_times(seen),
    )
