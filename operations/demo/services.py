"""Store operations' part of the demo company, and note every row of it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone

from aethercrown import demo
from aethercrown.demo import NotEmpty, Seeding
from operations.alerts.models import Alert
from operations.demo import company
from operations.demo.company import DemoComponent, FinishedTask
from operations.health.history import rollups
from operations.health.models import Component, HealthRollup, Incident
from operations.health.services.history import rollup_row
from operations.health.state_machine import NOT_LOOKED_AT
from operations.scheduling import services as tasks
from operations.scheduling.durations import LearnedDuration
from operations.scheduling.models import Dependency, Pool, Schedule, Task, TaskDurationStats, Worker
from operations.scheduling.services import replan as planning
from operations.scheduling.services import submit as submission

SUBMITTED_BEFORE = timedelta(minutes=50)
LEASE_SECONDS = timedelta(days=30).total_seconds()  # agents that do not exist never report
MANAGER = "demo: operations manager"
NOT_CHECKED = "Not checked: it is a part of the demo company."


def seed(seeding: Seeding) -> None:
    """Agents at work, two weeks of two components, and alerts in each state."""
    if Task.objects.exists():
        raise NotEmpty(
            "This installation has AI tasks of its own, so the demo company was not loaded."
        )
    now = moment(seeding)
    workers = _workers(seeding)
    _history(seeding, workers, now)
    _queue(seeding, now)
    for component in company.COMPONENTS:
        _component(seeding, component, now)
    seeding.keep(Alert.objects.bulk_create(_alerts(now)))


def release() -> list[str]:
    """Remove dependencies of the owner's tasks on the demo company's."""
    pairs = tasks.detach_waiters(demo.keys_of(Task._meta.label_lower), timezone.now())  # noqa: SLF001 - a documented name of Django's
    return [
        f"Task {waiter} waits no more for {needed}, which was the demo company's"
        for waiter, needed in pairs
    ]


def moment(seeding: Seeding) -> datetime:
    """The present moment if the demo's day is today, as its agents are at work now."""
    now = timezone.now()
    return now if now.date() == seeding.today else seeding.now


def _workers(seeding: Seeding) -> dict[str, Worker]:
    """The agents and their pools; a pool that existed before remains the owner's."""
    pools = {}
    for name in dict.fromkeys(company.AGENTS.values()):
        pools[name], is_new = Pool.objects.get_or_create(name=name)
        if is_new:
            seeding.keep([pools[name]])
    made = Worker.objects.bulk_create(
        Worker(name=name, pool=pools[pool]) for name, pool in company.AGENTS.items()
    )
    seeding.keep(made)
    return {each.name: each for each in made}


def _history(seeding: Seeding, workers: Mapping[str, Worker], now: datetime) -> None:
    """Finished tasks, and the durations learned from them."""
    ended = company.done(seeding.random)
    seeding.keep(Task.objects.bulk_create(_ended(each, workers, now) for each in ended))
    taught: dict[str, LearnedDuration] = {}
    for each in reversed(ended):
        if not each.error:
            taught[each.task_type] = taught.get(each.task_type, LearnedDuration()).after(
                each.seconds
            )
    rows = [TaskDurationStats(task_type=name, **asdict(found)) for name, found in taught.items()]
    seeding.keep(TaskDurationStats.objects.bulk_create(rows))


def _ended(each: FinishedTask, workers: Mapping[str, Worker], now: datetime) -> Task:
    ended_at = now - each.ended_before
    started_at = ended_at - timedelta(seconds=each.seconds)
    worker = workers[each.worker]
    return Task(
        task_id=each.task_id,
        task_type=each.task_type,
        priority=company.MEDIUM,
        estimated_duration=company.USUAL_SECONDS[each.task_type],
        estimate_used=company.USUAL_SECONDS[each.task_type],
        pool=worker.pool,
        status=Task.Status.FAILED if each.error else Task.Status.COMPLETED,
        chain_weight=2.0,
        chain_seconds=company.USUAL_SECONDS[each.task_type],
        created_at=started_at - SUBMITTED_BEFORE,
        ready_at=started_at - SUBMITTED_BEFORE,
        started_at=started_at,
        completed_at=ended_at,
        run_seconds=each.seconds,
        worker=worker,
        attempt=1,
        error=each.error,
    )


def _queue(seeding: Seeding, now: datetime) -> None:
    """Submit, assign and plan the waiting tasks as real ones."""
    before = set(Task.objects.values_list("pk", flat=True))
    submission.submit(company.waiting(), now - SUBMITTED_BEFORE)
    for place, (name, pool) in enumerate(company.AGENTS.items()):
        if pool != company.IMAGES:  # image tasks wait for research
            taken = now - timedelta(minutes=3 + 2 * place)
            tasks.assign(taken, worker=name, lease=LEASE_SECONDS)
    Worker.objects.filter(name__in=company.AGENTS).update(last_seen_at=None)
    made = Task.objects.exclude(pk__in=before).order_by("pk")
    seeding.keep(made)
    seeding.keep(Dependency.objects.filter(task__in=made).order_by("pk"))
    is_first = not Schedule.objects.exists()
    plan = planning.replan(now)
    if is_first:
        seeding.keep([plan])


def _component(seeding: Seeding, component: DemoComponent, now: datetime) -> None:
    """A component that does not exist, with its rollups up to last midnight."""
    midnight = rollups.day_of(now)
    row = Component(
        name=component.name,
        kind=Component.Kind.BUILTIN,
        is_required=False,
        status=NOT_LOOKED_AT,
        error=NOT_CHECKED,
    )
    Component.objects.bulk_create([row])  # which no person entered, so without a history
    seeding.keep([row])
    rows = _rollups(row, component, midnight, seeding.random)
    seeding.keep(HealthRollup.objects.bulk_create(rows))
    seeding.keep(
        Incident.objects.bulk_create(
            Incident(
                component=row,
                started_at=midnight - before,
                confirmed_at=midnight - before + timedelta(minutes=2),
                ended_at=midnight - before + length,
                error=why,
                ending="recovered",
            )
            for before, length, why in component.outages
        )
    )


def _rollups(
    row: Component, component: DemoComponent, midnight: datetime, random: np.random.Generator
) -> Iterator[HealthRollup]:
    by_day: dict[datetime, list[rollups.Totals]] = {}
    for start, found in company.hours(component, midnight, random):
        by_day.setdefault(rollups.day_of(start), []).append(found)
        yield rollup_row(row.pk, HealthRollup.Span.HOUR, start, found)
    for start, parts in by_day.items():
        yield rollup_row(row.pk, HealthRollup.Span.DAY, start, rollups.merge(parts))


def _alerts(now: datetime) -> Iterator[Alert]:
    """Alerts in each state, with a `notified_at`, so that no message is written for them."""
    for each in company.ALERTS:
        today = rollups.day_of(now) if each.kind == "down" else now  # outages as their incidents
        first = today - each.since
        ended = today - each.over if each.over is not None else None
        state = Alert.State.RESOLVED if ended else Alert.State.OPEN
        if each.note and not ended:
            state = Alert.State.ACKNOWLEDGED
        yield Alert(
            source="demo",
            kind=each.kind,
            subject=each.subject,
            key=each.subject,
            severity=each.severity,
            state=state,
            message=each.message,
            count=each.count,
            first_seen_at=first,
            last_seen_at=ended or now - each.since / 10,
            notified_at=first,
            acknowledged_at=first + timedelta(minutes=12) if each.note else None,
            acknowledged_by=MANAGER if each.note else "",
            resolved_at=ended,
            resolved_by="automatic" if ended else "",
            note=each.note,
        )
