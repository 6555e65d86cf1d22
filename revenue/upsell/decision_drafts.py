"""Offers and acceptances as decisions: what is promised, and what came of it; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt
from statistics import mean, stdev
from typing import Any

from operations.decisions.decision_types import MeasuredEffect
from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail

AUTOMATION = "revenue.upsell"
OFFER, ACCEPTANCE = "revenue.upsell_offer", "revenue.upsell_acceptance"
SUBJECT = "opportunity "
METHOD = "rated cost under every plan, forecast use; 1"
MEASURED_AFTER = timedelta(days=60)  # from acceptance to its measurement
COVERAGE, Z = 0.9, 1.6449
MIN_COMPARED = 10  # customers without an offer from which their movement is a placebo


@dataclass(frozen=True, slots=True)
class OfferDetails:
    """An opportunity as its decisions need it."""

    pk: int
    customer: str
    current: str
    recommended: str
    currency: str
    low: Decimal
    estimate: Decimal
    high: Decimal
    confidence: float


def opportunity_id(subject: str) -> int:
    """The opportunity that a decision is about."""
    return int(subject.removeprefix(SUBJECT))


def offer_draft(
    deal: OfferDetails, guardrails: Sequence[Guardrail], valid: timedelta, run: int | None
) -> Draft:
    """Offer the plan: it brings the gain with the probability `confidence`, else nothing."""
    gain = float(deal.estimate)
    likely = deal.confidence * gain
    ends = (0.0, likely, float(deal.high))
    return Draft(
        automation=AUTOMATION,
        kind=OFFER,
        subject=f"{SUBJECT}{deal.pk}",
        title=f"Offer {deal.recommended} to {deal.customer} ({gain:+,.2f} {deal.currency} a month)",
        before={"state": "open"},
        after={"state": "offered"},
        inputs_digest=digest({"offer": deal.pk}),
        method=METHOD,
        expected=_expected(min(ends), likely, max(ends), valid, deal.currency),
        guardrails=tuple(guardrails),
        run_id=run,
    )


def acceptance_draft(
    deal: OfferDetails, before: Mapping[str, Any], after: Mapping[str, Any], at: str
) -> Draft:
    """The customer agreed: the gain is promised in full, with the interval of the use ahead."""
    low, gain, high = float(deal.low), float(deal.estimate), float(deal.high)
    return Draft(
        automation=AUTOMATION,
        kind=ACCEPTANCE,
        subject=f"{SUBJECT}{deal.pk}",
        title=f"{deal.customer} takes {deal.recommended} ({gain:+,.2f} {deal.currency} a month)",
        before=before,
        after=after,
        inputs_digest=digest({"acceptance": deal.pk, "at": at}),
        method=METHOD,
        expected=_expected(min(low, gain), gain, max(high, gain), MEASURED_AFTER, deal.currency),
        guardrails=(Guardrail("agreed", "by a person", "by a person", passed=True),),
    )


def _expected(low: float, estimate: float, high: float, by: timedelta, unit: str) -> ExpectedEffect:
    return ExpectedEffect("recurring revenue a month", estimate, low, high, COVERAGE, by, unit)


def offer_guardrails(
    offers_today: int,
    most_a_day: int,
    declined: datetime | None,
    rest: timedelta,
    now: datetime,
) -> tuple[Guardrail, ...]:
    """Not too many offers a day, and none soon after the customer declined one."""
    since = None if declined is None else round((now - declined) / timedelta(days=1), 1)
    return (
        Guardrail("offers_per_day", most_a_day, offers_today, offers_today < most_a_day),
        Guardrail(
            "days_since_declined",
            rest.days,
            "never" if since is None else since,
            passed=since is None or since >= rest.days,
        ),
    )


def measured_effect(
    expected: ExpectedEffect, before: float, after: float, others: Sequence[float]
) -> MeasuredEffect:
    """The movement of a customer's MRR beside that of customers on the same plan without an offer.

    `others` are their relative changes over the same days. From ten on, their mean is what would
    have happened anyway, and their spread the doubt of one customer's movement.
    """
    moved = after - before
    detail = {"before": before, "after": after, "moved": moved, "compared": len(others)}
    if len(others) < MIN_COMPARED:
        inside = expected.low <= moved <= expected.high
        return MeasuredEffect(moved, None, None, {**detail, "placebo": None}, inside=inside)
    placebo = mean(others) * before
    doubt = Z * stdev(others) * before * sqrt(1 + 1 / len(others))
    value = moved - placebo
    inside = value + doubt >= expected.low and value - doubt <= expected.high
    found = {**detail, "placebo": placebo}
    return MeasuredEffect(value, value - doubt, value + doubt, found, inside=inside)
