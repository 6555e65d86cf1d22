"""What changed since yesterday and what is at risk, as sentences with a link each. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aethercrown.formatting import counted, date_text, money, money_text, signed
from aethercrown.metrics.registry import Measured
from aethercrown.monitoring.attention import AttentionItem
from dashboards.overview.values import effect_of

if TYPE_CHECKING:
    from revenue.documents.reports import OverdueSum
    from revenue.mrr.reports import RecentMovements

REVENUE, DECISIONS = "/dashboards/revenue", "/dashboards/decisions"
WORDS = {
    "new": "is a new customer",
    "reactivation": "came back",
    "expansion": "pays more",
    "contraction": "pays less",
    "churn": "left",
}


def mrr_changes(found: "RecentMovements", currency: str, page: Any) -> list[AttentionItem]:
    """The net change of MRR, and the largest movements by customer."""
    if not found.largest:
        return []
    unit = money(currency)
    kinds = ", ".join(
        f"{kind} {signed(sum_, unit)}" for kind, sum_ in sorted(found.by_kind.items())
    )
    net = signed(found.net, unit) if found.net else "unchanged in sum"
    return [
        AttentionItem(f"MRR {net}: {kinds}.", REVENUE),
        *(
            AttentionItem(
                f"{each.customer} {WORDS[each.kind]}: {signed(each.signed_amount, unit)} a month.",
                page(each.external_id),
            )
            for each in found.largest
        ),
    ]


def decision_changes(
    rows: Sequence[Any], titles: Mapping[int, str], since: datetime, path: Any
) -> list[AttentionItem]:
    """What was applied, rejected or rolled back, each with its effect."""
    found = []
    for each in rows:
        if each.rolled_back_at and each.rolled_back_at >= since:
            what = "Rolled back"
        elif each.applied_at and each.applied_at >= since:
            what = "Applied"
        else:
            what = "Expired" if each.verdict == "expired" else "Rejected"
        found.append(AttentionItem(f"{what}: {titles[each.pk]}; {effect_of(each)}.", path(each)))
    return found


def price_changes(versions: Iterable[Any]) -> list[AttentionItem]:
    return [
        AttentionItem(
            f"Prices published: {each}, applies from {date_text(each.effective_from)}.",
            f"/dashboards/pricing/versions/{each.pk}",
        )
        for each in versions
    ]


def resolved_alerts(rows: Iterable[Any]) -> list[AttentionItem]:
    return [AttentionItem(f"Over: {each.title}.", "/dashboards/alerts") for each in rows]


def overdue_risks(found: "Iterable[OverdueSum]", path: str) -> list[AttentionItem]:
    return [
        AttentionItem(
            f"{money_text(each.amount, each.currency)} is overdue from "
            f"{counted(each.customers, 'customer')}, the oldest since {date_text(each.oldest)}.",
            path,
        )
        for each in found
        if each.amount > Decimal(0)
    ]


def metric_risks(measured: Iterable[Measured]) -> tuple[list[AttentionItem], list[str]]:
    """Sentences of figures that should be zero and are not; and why others are not known."""
    risks, unknown = [], []
    for each in measured:
        title, reading = each.metric.title, each.reading
        if reading.value is None:
            unknown.append(f"{title}: {reading.reason}")
        elif reading.value:
            sentence = f"{title}: {reading.value:,} {reading.note}."
            risks.append(AttentionItem(sentence, each.metric.source))
    return risks, unknown


def disappointing(rows: Sequence[Any], titles: Mapping[int, str], path: Any) -> list[AttentionItem]:
    """Decisions still in force whose effect came out below what was expected."""
    return [
        AttentionItem(f"Below what was expected: {titles[each.pk]}; {effect_of(each)}.", path(each))
        for each in rows
        if each.verdict == "below" and each.status == "measured"
    ]
