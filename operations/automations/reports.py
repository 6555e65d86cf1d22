"""What ran, what failed, what is late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from operations.automations import occurrences, registry, run_rules
from operations.automations.models import Automation, Run
from operations.decisions.guardrails import GuardrailLimits
from operations.decisions.models import Decision

LATE = timedelta(minutes=2)  # beyond beat's and the sweep's own rhythm


@dataclass(frozen=True, slots=True)
class AttentionItem:
    """A plain sentence about something a person should look at, and where."""

    sentence: str
    link: str


def limits(name: str, *, lock: bool = False) -> GuardrailLimits:
    """The guardrails that staff set for an automation; the common ones where it has no row.

    With `lock` (inside a transaction) others wait, so that counts beside it stay true.
    """
    rows = Automation.objects.select_for_update() if lock else Automation.objects.all()
    row = rows.filter(name=name).first()
    return GuardrailLimits() if row is None else row.limits


def mode(name: str) -> str:
    """The mode that staff set; propose where the automation has no row."""
    found = Automation.objects.filter(name=name).values_list("mode", flat=True).first()
    return found or Automation.Mode.PROPOSE


def auto_enabled_at(name: str) -> datetime | None:
    """When staff last let it apply decisions by itself; None where they never did."""
    found = Automation.objects.filter(name=name).values_list("trusted_at", flat=True)
    return found.first()


def switched_on() -> list[str]:
    """The automations that are on and known to this code, in the order in which all are run."""
    rows = Automation.objects.filter(is_enabled=True, name__in=registry.names())
    return list(rows.order_by("name").values_list("name", flat=True))


def last_runs(limit: int = 10) -> QuerySet[Run]:
    """The newest runs that began or ended, with their automation."""
    rows = Run.objects.exclude(state=Run.State.SKIPPED).select_related("automation")
    return rows.order_by("-planned_for", "-pk")[:limit]


def last_run(automation: Automation) -> Run | None:
    """The newest run that was not skipped."""
    return automation.runs.exclude(state=Run.State.SKIPPED).first()


def upcoming(automation: Automation, now: datetime, count: int = 3) -> list[datetime]:
    """The next planned times, in the automation's own zone."""
    if not automation.is_enabled:
        return []
    found = occurrences.upcoming(automation.schedule, automation.clock, now, count)
    return [slot.astimezone(automation.clock) for slot in found]


def counts(since: datetime) -> dict[str, int]:
    """How many runs planned since then stand in each state."""
    states = Run.objects.filter(planned_for__gte=since).order_by().values("state")
    found = dict(states.annotate(count=Count("pk")).values_list("state", "count"))
    return {state: found.get(state, 0) for state in Run.State.values}


def attention_items(now: datetime | None = None) -> list[AttentionItem]:
    """What a person should look at: failures, lost workers, automations that are late."""
    now = now or timezone.now()
    return [*_failed(), *_lapsed(), *_late(now)]


def _failed() -> Sequence[AttentionItem]:
    """Automations whose last run that was not skipped failed."""
    ended = Run.objects.filter(
        automation=OuterRef("pk"), state__in=[Run.State.DONE, Run.State.FAILED]
    )
    last = Automation.objects.annotate(last=Subquery(ended.values("pk")[:1])).values("last")
    found = []
    failed = Run.objects.filter(pk__in=last, state=Run.State.FAILED)
    for run in failed.select_related("automation").order_by("automation__name"):
        when = f"{run.planned_for:%Y-%m-%d %H:%M} UTC"
        words = f"{run.automation} failed at {when}: {run_rules.last_line(run.error)}"
        found.append(AttentionItem(words, page(run)))
    return found


def _lapsed() -> Sequence[AttentionItem]:
    """Runs whose worker is gone and that nobody took up."""
    lapsed = Run.objects.filter(
        state=Run.State.RUNNING, lease_until__lt=Now() - run_rules.LEASE_LENGTH
    )
    return [
        AttentionItem(f"{run} lost its worker {run.worker} and waits to be taken up.", page(run))
        for run in lapsed.select_related("automation")
    ]


def _late(now: datetime) -> Sequence[AttentionItem]:
    """Automations with a slot behind them that nothing entered or began."""
    planned = Run.objects.filter(automation=OuterRef("pk")).exclude(trigger=Run.Trigger.MANUAL)
    queued = Run.objects.filter(
        automation=OuterRef("pk"), state=Run.State.QUEUED, not_before__lt=now - LATE
    )
    rows = Automation.objects.filter(is_enabled=True).annotate(
        last=Subquery(planned.values("planned_for")[:1]),
        waiting=Subquery(queued.order_by("planned_for").values("planned_for")[:1]),
    )
    found = []
    for automation in rows.select_related("task__interval", "task__crontab"):
        after = max(automation.scheduled_at, automation.last or automation.scheduled_at)
        unseen = occurrences.latest(automation.schedule, automation.clock, after, now - LATE, 1)
        due = [automation.waiting] if automation.waiting else unseen
        if due:
            sentence = f"{automation} was due at {due[0]:%Y-%m-%d %H:%M} UTC and has not begun."
            link = reverse("admin:operations_automation_change", args=[automation.pk])
            found.append(AttentionItem(sentence, link))
    return found


def decisions(run: Run) -> QuerySet[Decision]:
    """What the run decided, and what it found decided already."""
    named = run.result.get("decisions") or []
    return Decision.objects.filter(Q(run=run) | Q(pk__in=named)).order_by("pk")


def page(run: Run) -> str:
    return reverse("admin:operations_run_change", args=[run.pk])
