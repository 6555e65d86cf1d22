"""Which runs ended, failed or are late, and what staff have set."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from django.db.models import (
    CharField,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Now, NullIf, Substr
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import counted, moment_text
from aethercrown.metrics.period import Period
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from aethercrown.monitoring.attention import AttentionItem
from aethercrown.text import last_line
from operations.automations import occurrences, run_rules
from operations.automations.limits import GuardrailLimits
from operations.automations.models import Automation, Run
from operations.automations.registry import automation_registry
from operations.automations.run_rules import CATCH_UP, DueRun

RUN_STATES, TRIGGERS = tuple(Run.State.values), tuple(Run.Trigger.values)
OPEN_STATES = (Run.State.QUEUED, Run.State.RUNNING)
LOOKED_AT = 15  # due times, among which the longest wait is sought: two weeks of a daily run
LATE_AFTER = timedelta(minutes=2)  # longer than the intervals of beat and of the recovery task


def limits(name: str, *, lock: bool = False) -> GuardrailLimits:
    """The guardrails that staff set, or the defaults; `lock` locks their row until the commit."""
    rows = Automation.objects.select_for_update() if lock else Automation.objects.all()
    row = rows.filter(name=name).first()
    return GuardrailLimits() if row is None else row.limits


def mode(name: str) -> str:
    """The mode that staff set; propose if the automation has no row."""
    found = Automation.objects.filter(name=name).values_list("mode", flat=True).first()
    return found or Automation.Mode.PROPOSE


def auto_enabled_at(name: str) -> datetime | None:
    """When staff last set the mode to auto; None if they never did."""
    return Automation.objects.filter(name=name).values_list("auto_enabled_at", flat=True).first()


def switched_on() -> list[str]:
    """The automations that are on and in this code, by name: the order in which all are run."""
    rows = Automation.objects.filter(is_enabled=True, name__in=automation_registry.names())
    return list(rows.order_by("name").values_list("name", flat=True))


def switched_on_at(name: str) -> datetime | None:
    """When the automation was last switched on again; None if it never was off, or is."""
    rows = Automation.history.filter(name=name)
    off = rows.filter(is_enabled=False).aggregate(at=Max("history_date"))["at"]
    if off is None:
        return None
    found: datetime | None = rows.filter(is_enabled=True, history_date__gt=off).aggregate(
        at=Min("history_date")
    )["at"]
    return found


def automations() -> QuerySet[Automation]:
    """Every automation, by title."""
    return Automation.objects.order_by("title", "pk")


class ListedAutomation(NamedTuple):
    """An automation, its newest run that was not skipped, and when it runs next in its zone."""

    automation: Automation
    last: Run | None
    next_at: datetime | None


def listed(now: datetime) -> list[ListedAutomation]:
    """Every automation, by title, in three queries."""
    ran = _until(now).exclude(state=Run.State.SKIPPED)
    rows = automations().select_related("task__interval", "task__crontab")
    found = list(rows.annotate(last=Subquery(ran.order_by("-planned_for", "-pk").values("pk")[:1])))
    last: dict[int, Run] = Run.objects.in_bulk([e.last for e in found if e.last])
    taken: dict[int, set[datetime]] = {}
    ahead_of_now = Run.objects.filter(planned_for__gt=now).order_by()
    for key, at in ahead_of_now.values_list("automation_id", "planned_for"):
        taken.setdefault(key, set()).add(at)
    return [
        ListedAutomation(
            each,
            last.get(each.last or 0),
            next(iter(free_slots(each, now, 1, taken.get(each.pk, set()))), None),
        )
        for each in found
    ]


def runs_of(period: Period) -> "QuerySet[Any]":
    """The runs planned for the period, each with how long it `took` and its `outcome`."""
    took = ExpressionWrapper(F("ended_at") - F("started_at"), DurationField())
    texts = (NullIf(F(name), Value("")) for name in ("reason", "error"))
    outcome = Coalesce(*texts, F("summary"), output_field=TextField())
    return _planned_in(period).annotate(took=took, outcome=outcome)


def runs_by_day(period: Period) -> tuple[list[date], dict[tuple[date, str], int]]:
    """The days of the period, and how many runs of each ended in which state."""
    day = Substr(Cast("planned_for", CharField()), 1, 10)  # far faster than TruncDate on SQLite
    counts = _planned_in(period).order_by().values_list(day, "state").annotate(Count("pk"))
    days = [period.first + timedelta(days=at) for at in range(period.days)]
    return days, {(date.fromisoformat(day), state): count for day, state, count in counts}


def _planned_in(period: Period) -> QuerySet[Run]:
    begin, end = period.moments(UTC)
    return Run.objects.filter(planned_for__gte=begin, planned_for__lt=end)


def last_run_of_each(limit: int = 10) -> QuerySet[Run]:
    """The newest run of each automation that was not skipped, the newest first."""
    rows = Run.objects.filter(automation=OuterRef("pk")).exclude(state=Run.State.SKIPPED)
    last = Automation.objects.annotate(last=Subquery(rows.values("pk")[:1])).values("last")
    newest = Run.objects.filter(pk__in=last).select_related("automation")
    return newest.order_by("-planned_for", "-pk")[:limit]


def last_run(automation: Automation) -> Run | None:
    """The newest run that was not skipped."""
    return automation.runs.exclude(state=Run.State.SKIPPED).first()


def due_runs(automation: Automation, now: datetime) -> list[DueRun]:
    """What has come due since the last planned time; planned times after `now` do not count."""
    until = now + occurrences.tolerance(automation.schedule)
    planned = automation.runs.exclude(trigger=Run.Trigger.MANUAL).filter(planned_for__lte=until)
    last = planned.order_by("-planned_for").values_list("planned_for", flat=True).first()
    start = automation.scheduled_at
    earliest, times = max(start, last or start), (automation.schedule, automation.zone_info)
    after = max(earliest, now - run_rules.CATCH_UP_WINDOW)
    due = occurrences.latest(*times, after, until, run_rules.MAX_CATCH_UP_RUNS)
    if not due and automation.missed == Automation.Missed.ONCE:  # such as one of each month
        due = occurrences.latest(*times, earliest, until, 1)
    before = due[0] - occurrences.SECOND if due else after
    busy = automation.runs.filter(state__in=OPEN_STATES).exists()
    planned_runs = run_rules.plan_due_runs(due, automation.missed, now, busy=busy)
    if cut := occurrences.latest(*times, earliest, before, 1):
        count = occurrences.count(*times, earliest, before)
        planned_runs.insert(0, DueRun(cut[0], CATCH_UP, run_rules.cut_off_reason(count)))
    return planned_runs


def ahead(now: datetime) -> QuerySet[Run]:
    """Runs planned for a time that has not come, by a clock that was ahead."""
    rows = Run.objects.exclude(trigger=Run.Trigger.MANUAL)
    return rows.filter(planned_for__gt=now + run_rules.AHEAD_AFTER)


def is_clock_trusted(clock: Callable[[], datetime] = timezone.now) -> bool:
    """Whether no run is planned for a time that has not come."""
    future = ahead(clock()).filter(automation=OuterRef("pk"))
    return not Automation.objects.filter(Exists(future)).exists()


def upcoming(automation: Automation, now: datetime, count: int = 3) -> list[datetime]:
    """The next times at which it will run, in its own zone; not those that it ran ahead of."""
    if not automation.is_enabled:
        return []
    taken = set(automation.runs.filter(planned_for__gt=now).values_list("planned_for", flat=True))
    return free_slots(automation, now, count, taken)


def next_run(name: str, now: datetime) -> datetime | None:
    """When an automation runs next; None where it is off or there is none of that name."""
    automation = Automation.objects.filter(name=name).first()
    times = upcoming(automation, now, 1) if automation else []
    return times[0] if times else None


def free_slots(
    automation: Automation, now: datetime, count: int, taken: Collection[datetime]
) -> list[datetime]:
    """The next times of an automation that is on, without those taken already."""
    if not automation.is_enabled:
        return []
    found = occurrences.upcoming(automation.schedule, automation.zone_info, now, count + len(taken))
    free = [slot for slot in found if slot not in taken][:count]
    return [slot.astimezone(automation.zone_info) for slot in free]


def longest_wait(name: str, now: datetime) -> timedelta:
    """The longest time between two of the next due times of an automation; 0 without two."""
    row = Automation.objects.filter(name=name).first()
    slots = occurrences.upcoming(row.schedule, row.zone_info, now, LOOKED_AT) if row else []
    waits = (after - before for before, after in pairwise(slots))
    return max(waits, default=timedelta(0))


def broken_promises(now: datetime) -> list[str]:
    """Automations whose next run on the form is not what the ledger would then start."""
    rows = Automation.objects.filter(is_enabled=True, name__in=automation_registry.names())
    found = []
    for automation in rows.select_related("task__interval", "task__crontab"):
        promised = next(iter(upcoming(automation, now, 1)), now)
        if all(each.planned_for != promised for each in due_runs(automation, promised)):
            found.append(f"{automation} would not run at {moment_text(promised)}.")
        elif not automation.task.enabled:
            found.append(f"{automation} is off in beat's table.")
    return found


def attention_items(now: datetime) -> list[AttentionItem]:
    """What a person should look at: failed runs, lost workers, late automations."""
    return [*_failed_or_abandoned(now), *_late(now)]


def _failed_or_abandoned(now: datetime) -> Sequence[AttentionItem]:
    """Failed runs, each its automation's last that was not skipped, then abandoned ones.

    A run is abandoned whose lease expired a whole lease ago, and that no worker claimed again.
    """
    ended = _until(now).filter(state__in=[Run.State.DONE, Run.State.FAILED])
    last = Automation.objects.annotate(last=Subquery(ended.values("pk")[:1])).values("last")
    expired = Now() - run_rules.LEASE_LENGTH
    rows = Run.objects.filter(
        Q(pk__in=last, state=Run.State.FAILED) | Q(state=Run.State.RUNNING, lease_until__lt=expired)
    )
    ordered = rows.select_related("automation").order_by("state", "automation__name")
    return [AttentionItem(_what_happened(run), page(run)) for run in ordered]


def _until(now: datetime) -> QuerySet[Run]:
    """An automation's runs, for a subquery; one that ran ahead of its time is not its last."""
    latest = now + run_rules.AHEAD_AFTER
    return Run.objects.filter(automation=OuterRef("pk"), planned_for__lte=latest)


def _what_happened(run: Run) -> str:
    if run.state == Run.State.RUNNING:
        return f"{run} lost its worker {run.worker} and waits for another."
    return f"{run.automation} failed at {moment_text(run.planned_for)}: {last_line(run.error)}"


def _late(now: datetime) -> Sequence[AttentionItem]:
    """Automations with a due time that was not enqueued or not begun."""
    begun = Run.objects.filter(automation=OuterRef("pk"), planned_for__lte=now)
    planned = begun.exclude(trigger=Run.Trigger.MANUAL)
    queued = Run.objects.filter(
        automation=OuterRef("pk"), state=Run.State.QUEUED, not_before__lt=now - LATE_AFTER
    )
    rows = Automation.objects.filter(is_enabled=True).annotate(
        last=Subquery(planned.values("planned_for")[:1]),
        waiting=Subquery(queued.order_by("planned_for").values("planned_for")[:1]),
    )
    found = []
    for automation in rows.select_related("task__interval", "task__crontab"):
        after = max(automation.scheduled_at, automation.last or automation.scheduled_at)
        unseen = occurrences.latest(
            automation.schedule, automation.zone_info, after, now - LATE_AFTER, 1
        )
        due = [automation.waiting] if automation.waiting else unseen
        if due:
            sentence = f"{automation} was due at {moment_text(due[0])} and has not begun."
            link = reverse("admin:operations_automation_change", args=[automation.pk])
            found.append(AttentionItem(sentence, link))
    return found


def decisions(run: Run) -> QuerySet[Any]:
    """The decisions that the run made, and those that it found made already."""
    named = run.result.get("decisions") or []
    return run.decisions.model.objects.filter(Q(run=run) | Q(pk__in=named)).order_by("pk")


PAGE = "/dashboards/automations"


def page(run: Run) -> str:
    return reverse("admin:operations_run_change", args=[run.pk])


def read_on(_query: MetricQuery) -> dict[str, Reading]:
    on = Automation.objects.filter(is_enabled=True).count()
    known = f"of {len(automation_registry.names())} in this version"
    return {"automations.on": Reading(on, note=known)}


def read_metrics(query: MetricQuery) -> dict[str, Reading]:
    """Runs are only counted where none was deleted: failed ones are kept longer than others."""
    begin, end = query.span
    if begin < query.now - run_rules.RETENTION:
        gone = unknown(f"Runs are kept {counted(run_rules.RETENTION.days, 'day')}")
        return {"automations.runs": gone, "automations.success": gone}
    ended = Run.objects.filter(ended_at__gte=begin, ended_at__lt=end)
    found = ended.aggregate(
        done=Count("pk", filter=Q(state=Run.State.DONE)),
        failed=Count("pk", filter=Q(state=Run.State.FAILED)),
    )
    total = found["done"] + found["failed"]
    return {
        "automations.runs": Reading(total, note=f"{found['failed']:,} failed"),
        "automations.success": Reading(100 * found["done"] / total, note=f"of {total:,} runs")
        if total
        else unknown("No run ended in the period"),
    }


def _metric(name: str, title: str, definition: str, unit: MetricUnit, good: Good) -> Metric:
    return Metric(
        f"automations.{name}",
        title,
        definition,
        unit,
        good,
        PAGE,
        read_metrics,
    )


METRICS = (
    Metric(
        "automations.on",
        "Automations on",
        "Automations that staff switched on.",
        MetricUnit.COUNT,
        Good.NEITHER,
        PAGE,
        read_on,
        has_history=False,
    ),
    _metric(
        "runs",
        "Runs",
        "Runs that ended in the period, done or failed; skipped ones do not count.",
        MetricUnit.COUNT,
        Good.NEITHER,
    ),
    _metric(
        "success",
        "Runs that succeed",
        "Runs that are done, in percent of those that ended in the period.",
        MetricUnit.PERCENT,
        Good.UP,
    ),
)
