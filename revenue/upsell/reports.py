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
from revenue.pricing.book import Book
from revenue.pricing.decimals import Wrong
from revenue.pricing.models import Version
from revenue.pricing.recommend import confidence
from revenue.upsell.models import OfferTerms, Opportunity
from revenue.upsell.outlook import LOOKED_AT, outlook
from revenue.upsell.prospect import Kind, Prospect, can_move, prospects
from revenue.upsell.steps import ALIVE, State

COMPARED = 500  # customers at most whose movement is a placebo


class Candidate(NamedTuple):
    """A customer who pays for a plan."""

    customer: int
    plan: str
    currency: str
    time_zone: str


class Decided(NamedTuple):
    """How offers of a kind were answered."""

    accepted: int = 0
    declined: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """One opportunity as a row's columns; `rests` where the customer declined one lately."""

    kind: str
    rests: bool
    columns: Mapping[str, Any]


@dataclass(slots=True)
class Sight:
    """What every customer is looked at with, read once a sweep; price books as they are needed."""

    now: datetime
    active: Mapping[str, Collection[date]]
    decided: Mapping[str, Decided]
    terms: OfferTerms
    books: dict[str, tuple[Version, Book]] = field(default_factory=dict)

    def book(self, currency: str) -> tuple[Version, Book]:
        """The price book in force in a currency; raises NothingPublished and Tampered."""
        if currency not in self.books:
            version = billing.in_force(currency, self.now.date())
            self.books[currency] = version, pricing.book(version)
        return self.books[currency]


@dataclass(frozen=True, slots=True)
class Standing:
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


def decided() -> dict[str, Decided]:
    """How offers of each kind were answered so far."""
    rows = Opportunity.objects.order_by().values_list("kind")
    counted = rows.annotate(accepted=_in(State.ACCEPTED), declined=_in(State.DECLINED))
    return {kind: Decided(accepted, declined) for kind, accepted, declined in counted}


def _in(*states: State) -> Count:
    """How many are in one of some states."""
    return Count("pk", filter=Q(state__in=states))


def declined_at(customer_ids: Collection[int]) -> dict[int, datetime]:
    """When each last declined an offer or left one unanswered."""
    rows = Opportunity.objects.filter(
        customer__in=customer_ids, state__in=[State.DECLINED, State.EXPIRED]
    ).order_by()
    return dict(rows.values_list("customer_id").annotate(Max("decided_at")))


def offered_in_a_day(now: datetime) -> int:
    rows = Opportunity.objects.filter(offered_at__gt=now - timedelta(days=1), offered_at__lte=now)
    return rows.count()


def sight(now: datetime) -> Sight:
    """Everything that a sweep at `now` looks with."""
    return Sight(now, active_days(now.date() - timedelta(days=LOOKED_AT + 1)), decided(), terms())


def look(
    batch: Sequence[Candidate], sight: Sight, unread: list[str]
) -> Iterator[tuple[int, list[Seen]]]:
    """The opportunities of each customer of a batch; who cannot be rated is noted in `unread`."""
    keys = [each.customer for each in batch]
    today = sight.now.date()
    first, end = today - timedelta(days=LOOKED_AT), today + timedelta(days=1)
    readings, since = billing.readings(keys, first, end), billing.beginnings(keys)
    declined = declined_at(keys)
    rest = timedelta(days=sight.terms.rest_days)
    for each in batch:
        last = declined.get(each.customer)
        rests = last is not None and sight.now - last < rest
        mine = readings.get(each.customer, {})
        try:
            yield each.customer, _seen(each, mine, since.get(each.customer), sight, rests=rests)
        except (Wrong, billing.NothingPublished, billing.Tampered) as error:
            unread.append(f"customer {each.customer}: {error}")


def _seen(
    each: Candidate,
    readings: Mapping[str, Reading],
    since: date | None,
    sight: Sight,
    *,
    rests: bool,
) -> list[Seen]:
    version, book = sight.book(each.currency)
    today = periods.today_in(each.time_zone, sight.now)
    known = outlook(readings, sight.active, today, since)
    if known is None or not can_move(book, each.plan):
        return []
    now, ahead = known
    inputs = {"now": now.as_json(), "ahead": ahead.as_json()}
    found = prospects(book, each.plan, now, ahead)
    return [
        seen(one, version, inputs, sight.decided, rests=rests)
        for one in found
        if one.kind is Kind.OVERAGE_SAVING or one.gain.estimate >= sight.terms.least_gain
    ]


def seen(
    found: Prospect,
    version: Version,
    inputs: Mapping[str, Any],
    answers: Mapping[str, Decided] | None = None,
    *,
    rests: bool = False,
) -> Seen:
    """An opportunity as its row will hold it; `answers` are those of stored offers."""
    known = decided() if answers is None else answers
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
        "confidence": confidence(**known.get(found.kind, Decided())._asdict()),
    }
    return Seen(found.kind, rests, columns)


def waiting() -> list[int]:
    """Open opportunities, a saving for the customer first, then the likeliest gain."""
    rows = Opportunity.objects.filter(state=State.OPEN)
    return [each.pk for each in ranked(rows)]


def ranked(rows: Iterable[Opportunity]) -> list[Opportunity]:
    """In the order in which they deserve attention."""
    return sorted(
        rows,
        key=lambda each: (
            each.kind != Kind.OVERAGE_SAVING,
            -each.confidence * float(each.gain),
            each.pk,
        ),
    )


def offered_at(now: datetime) -> int:
    """How many offers went out at a moment."""
    return Opportunity.objects.filter(offered_at=now).count()


def compared(opportunity: Opportunity, before: date) -> list[int]:
    """Customers who were on the same plan before a day and accepted nothing; their numbers."""
    took = Opportunity.objects.filter(state=State.ACCEPTED).values("customer")
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
    return list(keys.distinct()[:COMPARED])


# --- For pages and calls --------------------------------------------------------------------------


def opportunities() -> QuerySet[Opportunity]:
    """Opportunities with their customers, the newest first."""
    return Opportunity.objects.select_related("customer", "version__book")


def pipeline(currency: str, most: int) -> list[Opportunity]:
    """Those that wait or are offered, a saving for the customer first, then the likeliest gain."""
    rows = opportunities().filter(currency=currency, state__in=ALIVE)
    return ranked(rows)[:most]


def ended(currency: str, most: int) -> list[Opportunity]:
    """Those that came to an end, the latest first."""
    rows = opportunities().filter(currency=currency).exclude(state__in=ALIVE)
    return list(rows.select_related("acceptance").order_by("-decided_at", "-pk")[:most])


def currencies() -> list[str]:
    rows = Opportunity.objects.order_by("currency").values_list("currency", flat=True)
    return list(rows.distinct())


def standings(currency: str) -> list[Standing]:
    """Each kind's pipeline, and how offers of it were answered; one query."""
    rows = Opportunity.objects.filter(currency=currency).order_by("kind").values_list("kind")
    alive = Q(state__in=ALIVE)
    likely = F("gain") * F("confidence")
    counted = rows.annotate(
        alive=_in(*ALIVE),
        offered=_in(State.OFFERED),
        sum=Sum("gain", filter=alive, default=Decimal(0)),
        likely=Sum(likely, filter=alive, default=0.0, output_field=FloatField()),
        accepted=_in(State.ACCEPTED),
        declined=_in(State.DECLINED),
        expired=_in(State.EXPIRED),
    )
    return [Standing(*row) for row in counted]


def promised(currency: str) -> list[tuple[Opportunity, Mapping[str, Any], Any]]:
    """Accepted ones with what their decision promised, and what was measured (None: not yet)."""
    rows = opportunities().filter(currency=currency, state=State.ACCEPTED, acceptance__isnull=False)
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


def personal(customer_ids: Collection[int]) -> Mapping[str, Any]:
    rows = Opportunity.objects.filter(customer__in=customer_ids).order_by("pk")
    return {"opportunities": list(rows.values())}
