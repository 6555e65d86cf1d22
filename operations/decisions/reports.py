"""Decisions that wait for a person, and expected beside measured effects."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, F, Q, QuerySet, Subquery, Value, Window
from django.db.models.functions import RowNumber

from aethercrown.formatting import Unit, counted
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from aethercrown.monitoring.attention import AttentionItem
from aethercrown.search import row_source
from operations.decisions import states
from operations.decisions.decision_text import ChangedValue, changed_values
from operations.decisions.decision_types import decision_type_registry
from operations.decisions.effect_text import effect_unit, unit_name
from operations.decisions.guardrails import MEASURED_VERDICTS, coverage_text
from operations.decisions.models import Decision, FourEyesRule

APPROVE = "security.approve_decisions"
IS_OBSERVED = Q(mode="observe")
IN_FORCE = (Decision.Status.APPLIED, Decision.Status.MEASURED)
MAX_SHOWN = 5  # of the decisions that wait, and of those applied last
MAX_VALUED = 500  # waiting decisions whose values are added up
MAX_CHANGED = 10
LONG_AGO = datetime.min.replace(tzinfo=UTC)
COUNTS = {
    "proposed": Count("pk"),
    "waiting": Count("pk", filter=Q(status=Decision.Status.PROPOSED) & ~IS_OBSERVED),
    "applied": Count("applied_at"),
    "rejected": Count("pk", filter=Q(status=Decision.Status.REJECTED)),
    "rolled_back": Count("pk", filter=Q(status=Decision.Status.ROLLED_BACK)),
}


@dataclass(frozen=True, slots=True)
class DecisionTypeSummary:
    """How many decisions of one type there are, and sums over the measured ones in `unit`."""

    kind: str
    title: str
    proposed: int
    waiting: int
    applied: int
    rejected: int
    rolled_back: int
    measured: int
    unit: str
    expected: float | None
    realised: float | None
    inside_percent: float | None  # of the expected intervals: near their level, 90
    coverage: str  # whether that agrees with the level; "" for few


@dataclass(frozen=True, slots=True)
class DecisionOverview:
    """How many proposals wait for a person, the oldest of them, and what was applied last."""

    waiting: int
    oldest: Sequence[Decision]  # of the waiting ones, oldest first
    applied: Sequence[Decision]  # in force, newest first


def overview(query: MetricQuery) -> DecisionOverview:
    """Read once for the query, in one statement; proposals of mode observe do not wait."""
    return query.shared("decisions now", lambda: _read_overview(query.now))


def waiting_rows(now: datetime) -> QuerySet[Decision]:
    """Proposals that a person has to decide on now, oldest first; not those that are postponed."""
    rows = Decision.objects.filter(status=Decision.Status.PROPOSED).exclude(IS_OBSERVED)
    return rows.exclude(postponed_until__gt=now).order_by("proposed_at", "pk")


def _read_overview(now: datetime) -> DecisionOverview:
    waiting = waiting_rows(now)
    applied = Decision.objects.filter(status__in=IN_FORCE).order_by("-applied_at", "-pk")
    shown = (Q(pk__in=each.values("pk")[:MAX_SHOWN]) for each in (waiting, applied))
    count = waiting.order_by().values(all=Value(1)).annotate(of=Count("pk")).values("of")
    rows = list(Decision.objects.filter(or_(*shown)).annotate(waiting_of=Subquery(count)))
    oldest = [each for each in rows if each.status == Decision.Status.PROPOSED]
    in_force = [each for each in rows if each.status != Decision.Status.PROPOSED]
    return DecisionOverview(
        oldest[0].waiting_of if oldest else 0,
        sorted(oldest, key=lambda each: (each.proposed_at, each.pk)),
        sorted(in_force, key=lambda each: (each.applied_at, each.pk), reverse=True),
    )


@dataclass(frozen=True, slots=True)
class RecentDecisions:
    """What the first page says of decisions; `all` has each of them once."""

    all: Sequence[Decision]
    waiting: Sequence[Decision]  # oldest first
    changed: Sequence[Decision]  # applied, rejected or rolled back since a time
    measured: Sequence[Decision]  # in the period
    applied: Sequence[Decision]  # in force, the newest first


def recent_decisions(query: MetricQuery, since: datetime) -> RecentDecisions:
    """Read in one statement; of each sort as many as are shown or added up."""
    begin, end = query.span
    acted = Decision.objects.exclude(IS_OBSERVED)
    times = ("applied_at", "rejected_at", "rolled_back_at")
    is_new = reduce(or_, (Q(**{f"{each}__gte": since}) for each in times))
    sorts: tuple[QuerySet[Decision], ...] = (
        waiting_rows(query.now)[:MAX_VALUED],
        acted.filter(is_new).order_by("-proposed_at", "-pk")[:MAX_CHANGED],
        acted.filter(
            verdict__in=MEASURED_VERDICTS, measured_at__gte=begin, measured_at__lt=end
        ).order_by("-measured_at", "-pk")[:MAX_VALUED],
        Decision.objects.filter(status__in=IN_FORCE).order_by("-applied_at", "-pk")[:MAX_SHOWN],
    )
    chosen = reduce(or_, (Q(pk__in=each.values("pk")) for each in sorts))
    rows = list(Decision.objects.filter(chosen).defer("before", "after").order_by("-pk"))
    return RecentDecisions(
        rows,
        sorted(
            (each for each in rows if _waits(each, query.now)),
            key=lambda each: (each.proposed_at, each.pk),
        ),
        [each for each in rows if each.mode != "observe" and _changed_at(each) >= since],
        [each for each in rows if _is_measured(each, begin, end)],
        sorted(
            (each for each in rows if each.status in IN_FORCE),
            key=lambda each: (each.applied_at, each.pk),
            reverse=True,
        )[:MAX_SHOWN],
    )


def _waits(decision: Decision, now: datetime) -> bool:
    is_open = decision.status == Decision.Status.PROPOSED and decision.mode != "observe"
    return is_open and (decision.postponed_until is None or decision.postponed_until <= now)


def _changed_at(decision: Decision) -> datetime:
    """When it was applied, rejected or rolled back last."""
    times = (decision.applied_at, decision.rejected_at, decision.rolled_back_at)
    return max((each for each in times if each), default=LONG_AGO)


def _is_measured(decision: Decision, begin: datetime, end: datetime) -> bool:
    at = decision.measured_at
    is_acted = decision.mode != "observe" and decision.verdict in MEASURED_VERDICTS
    return is_acted and at is not None and begin <= at < end


def recent(limit: int = 10) -> QuerySet[Decision]:
    return Decision.objects.order_by("-proposed_at", "-pk")[:limit]


def find(decision_id: int) -> Decision | None:
    return Decision.objects.filter(pk=decision_id).first()


def found(decision_ids: Collection[int]) -> list[Decision]:
    """Those of the decisions that exist, oldest first."""
    return list(Decision.objects.filter(pk__in=decision_ids).order_by("proposed_at", "pk"))


def earlier(decision: Decision, limit: int) -> list[Decision]:
    """The newest decisions of its type about its subject that were made before it."""
    rows = Decision.objects.filter(kind=decision.kind, subject=decision.subject)
    return list(rows.filter(pk__lt=decision.pk).order_by("-pk")[:limit])


def measured_by_kind(limit: int) -> dict[str, list[Decision]]:
    """The newest measured decisions of each type, newest first."""
    rows = Decision.objects.filter(verdict__in=MEASURED_VERDICTS, realised__isnull=False)
    place = Window(RowNumber(), partition_by="kind", order_by=[F("proposed_at").desc(), "-pk"])
    newest = rows.annotate(place=place).filter(place__lte=limit).order_by("kind", "place")
    by_kind: dict[str, list[Decision]] = {}
    for each in newest:
        by_kind.setdefault(each.kind, []).append(each)
    return by_kind


def type_title(kind: str) -> str:
    """What people call a type; its name where it is unknown."""
    return decision_type_registry.get(kind).title if kind in decision_type_registry else kind


def changes_unit(decision: Decision) -> Unit:
    """The unit of the numbers that it changes: a currency, or none."""
    known = decision.kind in decision_type_registry
    currency = decision_type_registry.get(decision.kind).currency(decision.subject) if known else ""
    return effect_unit(currency) if currency else Unit(digits=2)


def about(subjects: Collection[str]) -> QuerySet[Decision]:
    """Every decision about some subjects, oldest first."""
    return Decision.objects.filter(subject__in=subjects).order_by("pk")


def summaries_by_type() -> list[DecisionTypeSummary]:
    """One summary for each decision type; two queries."""
    measured: dict[str, list[Decision]] = {}
    rows = Decision.objects.filter(verdict__in=MEASURED_VERDICTS, realised__isnull=False)
    for decision in rows.only("kind", "expected", "realised", "verdict"):
        measured.setdefault(decision.kind, []).append(decision)
    kinds: Any = Decision.objects.order_by("kind").values("kind").annotate(**COUNTS)
    return [_summary(counts, measured.get(counts["kind"], [])) for counts in kinds]


def days_left(oldest: Decision, now: datetime) -> int:
    """Whole days until a proposal expires."""
    return max(0, (oldest.proposed_at + states.PROPOSAL_LIFETIME - now).days)


def attention_items(found: DecisionOverview, now: datetime) -> list[AttentionItem]:
    """How many decisions wait, and how soon the first of them expires."""
    if not found.waiting:
        return []
    left = days_left(found.oldest[0], now)
    what = f"{found.waiting:,} decisions wait" if found.waiting > 1 else f"{found.oldest[0]} waits"
    only = found.oldest[0] if found.waiting == 1 else None
    return [
        AttentionItem(
            f"{what} for approval; the first expires in {counted(left, 'day')}.",
            f"/dashboards/decisions/{only.pk}" if only else "/dashboards/decisions",
        )
    ]


def lacking_approvers() -> str:
    """What is wrong where nobody may approve, or only one person and four eyes are demanded."""
    backend = "django.contrib.auth.backends.ModelBackend"
    people = get_user_model().objects.with_perm(APPROVE, backend=backend).order_by("pk")
    names = [each.get_username() for each in people[:2]]
    if not names:
        return "Nobody may approve decisions: give somebody the role approver."
    rule = FourEyesRule.objects.filter(is_on=True).first() if len(names) == 1 else None
    if rule is None:
        return ""
    return (
        f"Four eyes are demanded, such as for {rule}, and only {names[0]} may approve: give "
        "somebody else the role approver too."
    )


def changes(decision: Decision) -> list[ChangedValue]:
    """What it changes: the name, the value before and the one after."""
    before, after = decision.before, decision.after
    if decision.kind in decision_type_registry:
        before, after = decision_type_registry.get(decision.kind).shown(before, after)
    return changed_values(before, after)


def page(decision: Decision) -> str:
    """The path of the page of a decision's subject; "" if its type has none or is unknown."""
    if decision.kind not in decision_type_registry:
        return ""
    return decision_type_registry.get(decision.kind).path(decision.subject)


def allowed_steps(decision: Decision) -> frozenset[str]:
    """The states that the decision can be brought to now; no roll-back of what cannot be undone."""
    steps: frozenset[str] = states.TRANSITIONS.get(decision.status, frozenset())
    known = decision.kind in decision_type_registry
    if known and not decision_type_registry.get(decision.kind).may_undo(decision.subject):
        return steps - {states.ROLLED_BACK}
    return steps


def _summary(counts: dict[str, Any], measured: list[Decision]) -> DecisionTypeSummary:
    kind = counts["kind"]
    inside = sum(each.verdict == Decision.Verdict.INSIDE for each in measured)
    return DecisionTypeSummary(
        **counts,
        title=type_title(kind),
        measured=len(measured),
        unit=unit_name(measured[0].expected) if measured else "",
        expected=sum(each.expected["estimate"] for each in measured) if measured else None,
        realised=sum(each.realised["value"] for each in measured if each.realised)
        if measured
        else None,
        inside_percent=100 * inside / len(measured) if measured else None,
        coverage=coverage_text(inside, len(measured)),
    )


def read_metrics(query: MetricQuery) -> dict[str, Reading]:
    begin, end = query.span
    rows = Decision.objects.exclude(IS_OBSERVED)
    made = rows.filter(proposed_at__gte=begin, proposed_at__lt=end).count()
    applied = rows.filter(applied_at__gte=begin, applied_at__lt=end).count()
    found = rows.filter(
        verdict__in=MEASURED_VERDICTS, measured_at__gte=begin, measured_at__lt=end
    ).aggregate(measured=Count("pk"), inside=Count("pk", filter=Q(verdict=Decision.Verdict.INSIDE)))
    return {
        "decisions.applied": Reading(applied, note=f"of {made:,} made in the period"),
        "decisions.inside_interval": Reading(
            100 * found["inside"] / found["measured"],
            note=f"of {counted(found['measured'], 'effect')} measured in the period",
        )
        if found["measured"]
        else unknown("No effect was measured in the period"),
    }


def read_waiting(query: MetricQuery) -> dict[str, Reading]:
    return {"decisions.waiting": Reading(overview(query).waiting)}


METRICS = (
    Metric(
        "decisions.waiting",
        "Decisions waiting",
        "Proposals that wait for a person.",
        MetricUnit.COUNT,
        Good.DOWN,
        "/dashboards/decisions",
        read_waiting,
        has_history=False,
    ),
    Metric(
        "decisions.applied",
        "Decisions applied",
        "Decisions that took effect in the period, by a person or automatically.",
        MetricUnit.COUNT,
        Good.NEITHER,
        "/dashboards/decisions",
        read_metrics,
    ),
    Metric(
        "decisions.inside_interval",
        "Effects inside their interval",
        "Measured effects inside the 90% interval that was expected: near 90% is right.",
        MetricUnit.PERCENT,
        Good.NEITHER,
        "/dashboards/decisions",
        read_metrics,
    ),
)


SEARCH = row_source(
    "Decisions",
    Decision.objects.all,
    ("title", "subject"),
    note=lambda decision: decision.get_status_display(),
    page=lambda decision: f"/dashboards/decisions/{decision.pk}",
)
