"""The pipeline, how offers were answered, and the effect of acceptances, in one currency."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import F, FloatField, Q, QuerySet, Sum

from aethercrown.csv.export import Cell, Exporter
from revenue.upsell.decision_drafts import SUBJECT
from revenue.upsell.models import Opportunity
from revenue.upsell.offer_sums import AnsweredOffer, OfferSum, offer_sums
from revenue.upsell.reports.offers import by_priority, count_in
from revenue.upsell.states import ACTIVE_STATES, OpportunityState


@dataclass(frozen=True, slots=True)
class OpportunityCounts:
    """The opportunities of one kind; `expected_gain` is the gain weighted by confidence."""

    kind: str
    active: int
    offered: int
    gain: Decimal
    expected_gain: float
    accepted: int
    declined: int
    expired: int


def opportunities() -> QuerySet[Opportunity]:
    """Opportunities with their customers, the newest first."""
    return Opportunity.objects.select_related("customer", "version__book")


def pipeline(currency: str, most: int) -> list[Opportunity]:
    """Open and offered ones: those that save the customer money first, then by expected gain."""
    rows = opportunities().filter(currency=currency, state__in=ACTIVE_STATES)
    return by_priority(rows)[:most]


def of_customers(customer_ids: Collection[int], most: int) -> list[Opportunity]:
    """The newest opportunities of some customers."""
    return list(Opportunity.objects.filter(customer__in=customer_ids)[:most])


def decision_subjects(rows: Iterable[Opportunity]) -> list[str]:
    """The subjects of the decisions about some opportunities."""
    return [f"{SUBJECT}{each.pk}" for each in rows]


def ended(currency: str, most: int) -> list[Opportunity]:
    """Opportunities that are neither open nor offered, the latest decision first."""
    rows = opportunities().filter(currency=currency).exclude(state__in=ACTIVE_STATES)
    return list(rows.select_related("acceptance").order_by("-decided_at", "-pk")[:most])


def currencies() -> list[str]:
    rows = Opportunity.objects.order_by("currency").values_list("currency", flat=True)
    return list(rows.distinct())


def opportunity_counts(currency: str) -> list[OpportunityCounts]:
    """For each kind the active opportunities and the answers to offers."""
    rows = Opportunity.objects.filter(currency=currency).order_by("kind").values_list("kind")
    active = Q(state__in=ACTIVE_STATES)
    weighted = F("gain") * F("confidence")
    counted = rows.annotate(
        active=count_in(*ACTIVE_STATES),
        offered=count_in(OpportunityState.OFFERED),
        sum=Sum("gain", filter=active, default=Decimal(0)),
        expected_gain=Sum(weighted, filter=active, default=0.0, output_field=FloatField()),
        accepted=count_in(OpportunityState.ACCEPTED),
        declined=count_in(OpportunityState.DECLINED),
        expired=count_in(OpportunityState.EXPIRED),
    )
    return [OpportunityCounts(*row) for row in counted]


def accepted_with_effect(currency: str) -> list[tuple[Opportunity, Mapping[str, Any], Any]]:
    """Accepted ones with the expected effect and the measured one (None: not measured yet)."""
    rows = opportunities().filter(
        currency=currency, state=OpportunityState.ACCEPTED, acceptance__isnull=False
    )
    return [
        (each, each.acceptance.expected, each.acceptance.realised)
        for each in rows.select_related("acceptance").order_by("-decided_at", "-pk")
        if each.acceptance is not None
    ]


def sums_of_offers(currency: str) -> list[OfferSum]:
    """What each 20 answered offers were to bring and brought; unanswered ones were not accepted."""
    answered = (OpportunityState.ACCEPTED, OpportunityState.DECLINED, OpportunityState.EXPIRED)
    rows = Opportunity.objects.filter(
        currency=currency, state__in=answered, offered_at__isnull=False
    ).order_by("decided_at", "pk")
    return offer_sums(
        [
            AnsweredOffer(confidence, float(gain), state == OpportunityState.ACCEPTED)
            for confidence, gain, state in rows.values_list("confidence", "gain", "state")
        ]
    )


COLUMNS = (
    *("customer", "kind", "state", "current_plan", "recommended_plan"),
    *("currency", "gain_low", "gain", "gain_high", "confidence"),
    *("owner", "outcome", "found_at", "offered_at", "decided_at"),
)


def _rows() -> Iterator[Sequence[Cell]]:
    rows = Opportunity.objects.order_by("found_at", "pk")
    yield from rows.values_list("customer__external_id", *COLUMNS[1:]).iterator()


EXPORTERS = (Exporter("opportunities", "Upsell opportunities", COLUMNS, _rows),)


def personal_data(customer_ids: Collection[int]) -> Mapping[str, Any]:
    """Every opportunity of some customers, with all columns."""
    rows = Opportunity.objects.filter(customer__in=customer_ids).order_by("pk")
    return {"opportunities": list(rows.values())}
