"""Decisions that wait for a person, and expected beside measured effects."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Q, QuerySet, Window
from django.urls import reverse

from aethercrown.formatting import counted
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from aethercrown.monitoring.attention import AttentionItem
from aethercrown.search import row_source
from operations.decisions import states
from operations.decisions.decision_types import decision_type_registry
from operations.decisions.guardrails import MEASURED_VERDICTS
from operations.decisions.models import Decision, FourEyesRule

APPROVE = "security.approve_decisions"
IS_OBSERVED = Q(mode="observe")
MAX_SHOWN = 5  # of the decisions that wait
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


@dataclass(frozen=True, slots=True)
class WaitingProposals:
    """How many proposals wait for a person, and the oldest of them, oldest first."""

    count: int
    oldest: Sequence[Decision]


def waiting(query: MetricQuery) -> WaitingProposals:
    """Proposals that wait for a person, not those of mode observe; read once for the query."""
    return query.shared("waiting proposals", _read_waiting)


def _read_waiting() -> WaitingProposals:
    rows = Decision.objects.filter(status=Decision.Status.PROPOSED).exclude(IS_OBSERVED)
    counted_rows = rows.annotate(of=Window(Count("pk"))).order_by("proposed_at", "pk")
    oldest = list(counted_rows[:MAX_SHOWN])
    return WaitingProposals(oldest[0].of if oldest else 0, oldest)


def recent(limit: int = 10) -> QuerySet[Decision]:
    return Decision.objects.order_by("-proposed_at", "-pk")[:limit]


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


def attention_items(found: WaitingProposals, now: datetime) -> list[AttentionItem]:
    """How many decisions wait, and how soon the first of them expires."""
    if not found.count:
        return []
    left = max(0, (found.oldest[0].proposed_at + states.PROPOSAL_LIFETIME - now).days)
    what = f"{found.count:,} decisions wait" if found.count > 1 else f"{found.oldest[0]} waits"
    page = reverse("admin:operations_decision_changelist")
    return [
        AttentionItem(
            f"{what} for approval; the first expires in {counted(left, 'day')}.",
            f"{page}?status__exact={Decision.Status.PROPOSED}",
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


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Nested JSON as one text for each leaf, under names such as `shares.search` or `steps[0]`."""
    if isinstance(value, dict):
        parts = ((f"{path}.{name}".lstrip("."), each) for name, each in value.items())
    elif isinstance(value, list):
        parts = ((f"{path}[{place}]", each) for place, each in enumerate(value))
    else:
        return {path: "nothing" if value is None else str(value)}
    return {name: leaf for inner, each in parts for name, leaf in flatten(each, inner).items()}


def _summary(counts: dict[str, Any], measured: list[Decision]) -> DecisionTypeSummary:
    kind = counts["kind"]
    inside = sum(each.verdict == Decision.Verdict.INSIDE for each in measured)
    return DecisionTypeSummary(
        **counts,
        title=decision_type_registry.get(kind).title if kind in decision_type_registry else kind,
        measured=len(measured),
        unit=measured[0].expected["unit"] if measured else "",
        expected=sum(each.expected["estimate"] for each in measured) if measured else None,
        realised=sum(each.realised["value"] for each in measured if each.realised)
        if measured
        else None,
        inside_percent=100 * inside / len(measured) if measured else None,
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
    return {"decisions.waiting": Reading(waiting(query).count)}


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
    page=lambda decision: page(decision) or "/dashboards/decisions",
)
