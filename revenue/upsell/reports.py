"""Reading opportunities: the pipeline, acceptance, and what was promised beside what came."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, F, FloatField, Max, Q, QuerySet, Sum

from aethercrown.csv.export import Cell, Exporter
from revenue.billing import periods
from revenue.billing import reports as billing
from revenue.billing.models import DailyUse
from revenue.billing.periods import Reading
from revenue.customers.models import Change, Subscription
from revenue.pricing import reports as pricing
from revenue.pricing.calculation.recommend import confidence
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.price_book.version import BookVersion
from revenue.upsell.models import OfferTerms, Opportunity
from revenue.upsell.opportunities import (
    FoundOpportunity,
    OpportunityKind,
    find_opportunities,
    is_on_sale,
)
from revenue.upsell.states import ACTIVE_STATES, OpportunityState
from revenue.upsell.usage_forecast import HISTORY_DAYS, forecast_usage

MAX_COMPARISON_GROUP = 500  # customers at most whose movement is a placebo


class Candidate(NamedTuple):
    """A customer who pays for a plan."""

    customer: int
    plan: str
    currency: str
    time_zone: str


class AnswerCounts(NamedTuple):
    """How offers of a kind were answered."""

    accepted: int = 0
    declined: int = 0


@dataclass(frozen=True, slots=True)
class OpportunityColumns:
    """One opportunity as a row's columns; `rests` where the customer declined one lately."""

    kind: str
    rests: bool
    columns: Mapping[str, Any]


@dataclass(slots=True)
class SweepContext:
    """What every customer is looked at with, read once a sweep; price books as they are needed."""

    now: datetime
    active: Mapping[str, Collection[date]]
    decided: Mapping[str, AnswerCounts]
    terms: OfferTerms
    books: dict[str, tuple[PriceBookVersion, BookVersion]] = field(default_factory=dict)

    def book(self, currency: str) -> tuple[PriceBookVersion, BookVersion]:
        """The price book in force in a currency; raises NothingPublished and Tampered."""
        if currency not in self.books:
            version = billing.in_force(currency, self.now.date())
            self.books[currency] = version, pricing.book(version)
        return self.books[currency]


@dataclass(frozen=True, slots=True)
class OpportunityCounts:
    """One kind's opportunities; `likely` is the gain weighted by confidence."""

    kind: str
    alive: int
    offered: int
    gain: Decimal
    likely: float
    accepted: int
    declined: int
    expired: int


# --- For the sweep ------------------------------------------------------------------------------


def candidates(after: int, most: int) -> list[Candidate]:
    """The next customers by number who pay for a plan; of several, the one that brings most."""
    running = Subscription.objects.filter(ended_on=None, amount__gt=0).exclude(plan="")
    keys = running.filter(customer__gt=after, customer__merged_into=None).order_by("customer")
    chosen = list(keys.values_list("customer", flat=True).distinct()[:most])
    rows = running.filter(customer__in=chosen).order_by("customer", "amount")
    fields = ("customer_id", "plan", "currency", "customer__time_zone")
    return list({row[0]: Candidate(*row) for row in rows.values_list(*fields)}.values())


def active_days(since: date) -> dict[str, set[date]]:
    """By metric, the days on which anybody used it."""
    rows = DailyUse.objects.filter(day__gte=since).order_by()
    found: dict[str, set[date]] = {}
    for code, day in rows.values_list("meter__code", "day").distinct():
        found.setdefault(code, set()).add(day)
    return found


def terms() -> OfferTerms:
    """The terms that staff set, else the usual ones."""
    return OfferTerms.objects.filter(pk=1).first() or OfferTerms(pk=1)


def answer_counts() -> dict[str, AnswerCounts]:
    """How offers of each kind were answered so far."""
    rows = Opportunity.objects.order_by().values_list("kind")
    counted = rows.annotate(
        accepted=_in(OpportunityState.ACCEPTED), declined=_in(OpportunityState.DECLINED)
    )
    return {kind: AnswerCounts(accepted, declined) for kind, accepted, declined in counted}


def _in(*states: OpportunityState) -> Count:
    """How many are in one of some states."""
    return Count("pk", filter=Q(state__in=states))


def last_declined(customer_ids: Collection[int]) -> dict[int, datetime]:
    """When each last declined an offer or left one unanswered."""
    rows = Opportunity.objects.filter(
        customer__in=customer_ids, state__in=[OpportunityState.DECLINED, OpportunityState.EXPIRED]
    ).order_by()
    return dict(rows.values_list("customer_id").annotate(Max("decided_at")))


def offers_in_last_day(now: datetime) -> int:
    rows = Opportunity.objects.filter(offered_at__gt=now - timedelta(days=1), offered_at__lte=now)
    return rows.count()


def sweep_context(now: datetime) -> SweepContext:
    """Everything that a sweep at `now` looks with."""
    return SweepContext(
        now, active_days(now.date() - timedelta(days=HISTORY_DAYS + 1)), answer_counts(), terms()
    )


def opportunities_of_batch(
    batch: Sequence[Candidate], sight: SweepContext, unread: list[str]
) -> Iterator[tuple[int, list[OpportunityColumns]]]:
    """The opportunities of each customer of a batch; who cannot be rated is noted in `unread`."""
    keys = [each.customer for each in batch]
    today = sight.now.date()
    first, end = today - timedelta(days=HISTORY_DAYS), today + timedelta(days=1)
    readings, since = billing.readings(keys, first, end), billing.beginnings(keys)
    declined = last_declined(keys)
    rest = timedelta(days=sight.terms.rest_days)
    for each in batch:
        last = declined.get(each.customer)
        rests = last is not None and sight.now - last < rest
        mine = readings.get(each.customer, {})
        try:
            yield each.customer, _seen(each, mine, since.get(each.customer), sight, rests=rests)
        except (InvalidValues, billing.NothingPublished, billing.Tampered) as error:
            unread.append(f"customer {each.customer}: {error}")


def _seen(
    each: Candidate,
    readings: Mapping[str, Reading],
    since: date | None,
    sight: SweepContext,
    *,
    rests: bool,
) -> list[OpportunityColumns]:
    version, book = sight.book(each.currency)
    today = periods.today_in(each.time_zone, sight.now)
    known = forecast_usage(readings, sight.active, today, since)
    if known is None or not is_on_sale(book, each.plan):
        return []
    now, ahead = known
    inputs = {"now": now.as_json(), "ahead": ahead.as_json()}
    found = find_opportunities(book, each.plan, now, ahead)
    return [
        columns_of(one, version, inputs, sight.decided, rests=rests)
        for one in found
        if one.kind is OpportunityKind.OVERAGE_SAVING or one.gain.estimate >= sight.terms.least_gain
    ]


def columns_of(
    found: FoundOpportunity,
    version: PriceBookVersion,
    inputs: Mapping[str, Any],
    answers: Mapping[str, AnswerCounts] | None = None,
    *,
    rests: bool = False,
) -> OpportunityColumns:
    """An opportunity as its row will hold it; `answers` are those of stored offers."""
    known = answer_counts() if answers is None else answers
    columns = {
        "kind": found.kind.value,
        "reason": found.reason[:500],
        "current_plan": found.current,
        "recommended_plan": found.recommended,
        "currency": found.currency,
        "version": version,
        "inputs": inputs,
        "costs": found.as_json(),
        "gain_low": found.gain.low,
        "gain": found.gain.estimate,
        "gain_high": found.gain.high,
        "confidence": confidence(**known.get(found.kind, AnswerCounts())._asdict()),
    }
    return OpportunityColumns(found.kind, rests, columns)


def open_by_priority() -> list[int]:
    """Open opportunities, a saving for the customer first, then the likeliest gain."""
    rows = Opportunity.objects.filter(state=OpportunityState.OPEN)
    return [each.pk for each in by_priority(rows)]


def by_priority(rows: Iterable[Opportunity]) -> list[Opportunity]:
    """In the order in which they deserve attention."""
    return sorted(
        rows,
        key=lambda each: (
            each.kind != OpportunityKind.OVERAGE_SAVING,
            -each.confidence * float(each.gain),
            each.pk,
        ),
    )


def count_offered_at(now: datetime) -> int:
    """How many offers went out at a moment."""
    return Opportunity.objects.filter(offered_at=now).count()


def comparison_group(opportunity: Opportunity, before: date) -> list[int]:
    """Customers who were on the same plan before a day and accepted nothing; their numbers."""
    took = Opportunity.objects.filter(state=OpportunityState.ACCEPTED).values("customer")
    rows = Change.objects.filter(
        plan=opportunity.current_plan,
        on__lte=before,
        amount__gt=0,
        subscription__currency=opportunity.currency,
    ).exclude(subscription__customer__in=took)
    others = rows.exclude(subscription__customer=opportunity.customer_id)
    keys = others.order_by("subscription__customer").values_list(
        "subscription__customer", flat=True
    )
    return list(keys.distinct()[:MAX_COMPARISON_GROUP])


# --- For pages and calls --------------------------------------------------------------------------


def opportunities() -> QuerySet[Opportunity]:
    """Opportunities with their customers, the newest first."""
    return Opportunity.objects.select_related("customer", "version__book")


def pipeline(currency: str, most: int) -> list[Opportunity]:
    """Those that wait or are offered, a saving for the customer first, then the likeliest gain."""
    rows = opportunities().filter(currency=currency, state__in=ACTIVE_STATES)
    return by_priority(rows)[:most]


def ended(currency: str, most: int) -> list[Opportunity]:
    """Those that came to an end, the latest first."""
    rows = opportunities().filter(currency=currency).exclude(state__in=ACTIVE_STATES)
    return list(rows.select_related("acceptance").order_by("-decided_at", "-pk")[:most])


def currencies() -> list[str]:
    rows = Opportunity.objects.order_by("currency").values_list("currency", flat=True)
    return list(rows.distinct())


def opportunity_counts(currency: str) -> list[OpportunityCounts]:
    """Each kind's pipeline, and how offers of it were answered; one query."""
    rows = Opportunity.objects.filter(currency=currency).order_by("kind").values_list("kind")
    alive = Q(state__in=ACTIVE_STATES)
    likely = F("gain") * F("confidence")
    counted = rows.annotate(
        alive=_in(*ACTIVE_STATES),
        offered=_in(OpportunityState.OFFERED),
        sum=Sum("gain", filter=alive, default=Decimal(0)),
        likely=Sum(likely, filter=alive, default=0.0, output_field=FloatField()),
        accepted=_in(OpportunityState.ACCEPTED),
        declined=_in(OpportunityState.DECLINED),
        expired=_in(OpportunityState.EXPIRED),
    )
    return [OpportunityCounts(*row) for row in counted]


def accepted_with_effect(currency: str) -> list[tuple[Opportunity, Mapping[str, Any], Any]]:
    """Accepted ones with what their decision promised, and what was measured (None: not yet)."""
    rows = opportunities().filter(
        currency=currency, state=OpportunityState.ACCEPTED, acceptance__isnull=False
    )
    return [
        (each, each.acceptance.expected, each.acceptance.realised)
        for each in rows.select_related("acceptance").order_by("-decided_at", "-pk")
        if each.acceptance is not None
    ]


# --- Files and people -----------------------------------------------------------------------------

COLUMNS = (
    "customer",
    "kind",
    "state",
    "current_plan",
    "recommended_plan",
    "currency",
    "gain_low",
    "gain",
    "gain_high",
    "confidence",
    "owner",
    "outcome",
    "found_at",
    "offered_at",
    "decided_at",
)


def _rows() -> Iterator[Sequence[Cell]]:
    rows = Opportunity.objects.order_by("found_at", "pk")
    yield from rows.values_list("customer__external_id", *COLUMNS[1:]).iterator()


EXPORTERS = (Exporter("opportunities", "Opportunities for larger plans", COLUMNS, _rows),)


def personal_data(customer_ids: Collection[int]) -> Mapping[str, Any]:
    rows = Opportunity.objects.filter(customer__in=customer_ids).order_by("pk")
    return {"opportunities": list(rows.values())}
