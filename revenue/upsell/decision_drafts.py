"""Draft the decisions about offers and acceptances, and calculate their measured effect; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import sqrt
from statistics import mean, stdev
from typing import Any

from aethercrown.formatting import money, signed
from operations.decisions.decision_types import MeasuredEffect
from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail

AUTOMATION = "revenue.upsell"
OFFER, ACCEPTANCE = "revenue.upsell_offer", "revenue.upsell_acceptance"
SUBJECT = "opportunity "
METHOD = "rated cost under every plan, forecast use; 1"
MEASURED_AFTER = timedelta(days=60)  # from the acceptance
COVERAGE, Z = 0.9, 1.6449
MIN_COMPARED = 10  # fewer customers make no control group


@dataclass(frozen=True, slots=True)
class OfferDetails:
    """An opportunity as its decisions need it."""

    pk: int
    customer: int  # its number: a title names nobody, and pages show the name beside it
    recommended: str
    currency: str
    low: Decimal
    estimate: Decimal
    high: Decimal
    confidence: float


def opportunity_id(subject: str) -> int:
    return int(subject.removeprefix(SUBJECT))


def offer_draft(
    deal: OfferDetails, guardrails: Sequence[Guardrail], valid: timedelta, run: int | None
) -> Draft:
    """Draft an offer: it brings the gain with the probability `confidence`, else nothing."""
    gain = float(deal.estimate)
    likely = deal.confidence * gain
    ends = (0.0, likely, float(deal.high))
    return Draft(
        automation=AUTOMATION,
        kind=OFFER,
        subject=f"{SUBJECT}{deal.pk}",
        title=(
            f"Offer {deal.recommended} to customer {deal.customer} "
            f"({signed(gain, money(deal.currency))} a month)"
        ),
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
    """Draft an acceptance: the gain is expected in full, with the interval of the forecast use."""
    low, gain, high = float(deal.low), float(deal.estimate), float(deal.high)
    return Draft(
        automation=AUTOMATION,
        kind=ACCEPTANCE,
        subject=f"{SUBJECT}{deal.pk}",
        title=(
            f"Move customer {deal.customer} to {deal.recommended} "
            f"({signed(gain, money(deal.currency))} a month)"
        ),
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
    max_per_day: int,
    declined: datetime | None,
    rest: timedelta,
    now: datetime,
    *,
    may_be_mailed: bool,
) -> tuple[Guardrail, ...]:
    """A limit of offers a day, rest days after the customer declined, and somebody to write to."""
    since = None if declined is None else round((now - declined) / timedelta(days=1), 1)
    return (
        Guardrail("offers_per_day", max_per_day, offers_today, offers_today < max_per_day),
        Guardrail(
            "days_since_declined",
            rest.days,
            "never" if since is None else since,
            passed=since is None or since >= rest.days,
        ),
        Guardrail(
            "contact_who_agreed", "one", "one" if may_be_mailed else "none", passed=may_be_mailed
        ),
    )


def measured_effect(
    expected: ExpectedEffect, before: float, after: float, others: Sequence[float]
) -> MeasuredEffect:
    """The change of a customer's MRR, compared with customers on the same plan without an offer.

    `others` are their relative changes over the same days. With ten or more, their mean is
    subtracted as what would have happened anyway, and their spread gives the interval.
    """
    moved = after - before
    detail = {"before": before, "after": after, "moved": moved, "compared": len(others)}
    if len(others) < MIN_COMPARED:
        inside = expected.low <= moved <= expected.high
        return MeasuredEffect(moved, None, None, {**detail, "placebo": None}, inside=inside)
    placebo = mean(others) * before
    margin = Z * stdev(others) * before * sqrt(1 + 1 / len(others))
    value = moved - placebo
    inside = value + margin >= expected.low and value - margin <= expected.high
    found = {**detail, "placebo": placebo}
    return MeasuredEffect(value, value - margin, value + margin, found, inside=inside)
