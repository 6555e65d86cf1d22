"""Reading use and invoices: previews, what a simulation rates, what forecasts start from."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, Min, OuterRef, Q, Subquery, Sum, When
from django.db.models.functions import Coalesce

from aethercrown.csv.export import Cell, Exporter
from revenue.billing import periods, plan_periods
from revenue.billing.models import Adjustment, DailyUse, Invoice, Meter
from revenue.billing.periods import Combine, Month, Part, Reading
from revenue.billing.statement import Closed, Known, Statement, statement
from revenue.customers.models import Change, Customer, Subscription
from revenue.pricing import reports as pricing
from revenue.pricing.calculation.inputs import PricingInputs, inputs_from_json
from revenue.pricing.calculation.simulation import SimulatedAccount, Simulation, simulate
from revenue.pricing.decimals import FieldProblem, InvalidValues
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.price_book.version import NoSuchPlan
from revenue.pricing.rating.rate import PriceLine, line_from_json

REOPENED = 13  # months back from a bill for which closed ones are worked out again
RATED = 3  # complete months that a simulation rates of each customer
HOLDING = [each.value for each in Combine if each.holds]
NOTHING = PricingInputs({})
BATCH = 1_000

NothingPublished = pricing.NothingPublished
Tampered = pricing.Tampered


# --- What was used ------------------------------------------------------------------------------


def readings(
    customer_ids: Collection[int], first: date, end: date
) -> dict[int, dict[str, Reading]]:
    """Each customer's meters with the days from `first` to before `end`; one query.

    Readings that hold reach back a year further. Rows of duplicates count for the one that they
    were merged into.
    """
    since = first - timedelta(days=periods.HELD)
    owner = Coalesce("customer__merged_into", "customer")
    rows = DailyUse.objects.filter(
        Q(customer__in=customer_ids) | Q(customer__merged_into__in=customer_ids),
        Q(day__gte=first) | Q(day__gte=since, meter__combine__in=HOLDING),
        day__lt=end,
    ).order_by()
    grouped = rows.values_list(owner, "meter__code", "meter__part", "meter__combine", "day")
    found: dict[int, dict[str, Reading]] = {}
    days: dict[tuple[int, str], dict[date, Decimal]] = {}
    for customer, code, part, combine, day, total in grouped.annotate(Sum("quantity")).iterator():
        mine = days.setdefault((customer, code), {})
        mine[day] = total
        found.setdefault(customer, {})[code] = Reading(Part(part), Combine(combine), mine)
    return found


def totals(keys: Collection[tuple[int, str, date]]) -> dict[tuple[int, str, date], Decimal]:
    """The present total of each customer, metric and day that has one."""
    customers = {each[0] for each in keys}
    metrics, days = {each[1] for each in keys}, {each[2] for each in keys}
    if not keys:
        return {}
    rows = DailyUse.objects.filter(
        customer__in=customers,
        meter__code__in=metrics,
        day__gte=min(days),
        day__lte=max(days),
    ).order_by()
    grouped = rows.values_list("customer_id", "meter__code", "day").annotate(Sum("quantity"))
    return {(who, code, day): total for who, code, day, total in grouped.iterator()}


def meters() -> dict[str, Meter]:
    return {each.code: each for each in Meter.objects.all()}


def steps(customer_ids: Collection[int]) -> dict[int, list[plan_periods.Step]]:
    """What the customers' subscriptions were, change by change, as recorded."""
    rows = Change.objects.filter(subscription__customer__in=customer_ids).order_by("on", "pk")
    fields = ("subscription__customer_id", "subscription__external_id", "on", "plan", "amount")
    found: dict[int, list[plan_periods.Step]] = {}
    for customer, *step in rows.values_list(*fields):
        found.setdefault(customer, []).append(plan_periods.Step(*step))
    return found


def beginnings(customer_ids: Collection[int]) -> dict[int, date]:
    """The first day of each as a customer."""
    rows = Subscription.objects.filter(customer__in=customer_ids).order_by()
    return dict(rows.values_list("customer_id").annotate(Min("started_on")))


# --- A month's bill -----------------------------------------------------------------------------


def in_force(currency: str, on: date) -> PriceBookVersion:
    """The version that prices a month beginning on a day, in the customer's currency.

    Of several books the standard one goes first. Raises NothingPublished.
    """
    standard = Case(When(book__code=pricing.STANDARD_BOOK, then=0), default=1)
    found = PriceBookVersion.objects.select_related("book").filter(
        book__currency=currency, state=PriceBookVersion.State.PUBLISHED, effective_from__lte=on
    )
    version = found.order_by(standard, "book__code", "-effective_from", "-number").first()
    if version is None:
        raise NothingPublished(
            f"No version of a price book in {currency} is published for {on}: publish one in the"
            " admin."
        )
    return version


def preview(customer: Customer, day: date) -> tuple[Statement, PriceBookVersion]:
    """The bill of the month that holds `day`, as it stands now; nothing is stored.

    Raises exact.Wrong, NothingPublished and Tampered.
    """
    span = periods.month(day)
    version = in_force(customer.currency, span.start)
    issued = _issued(customer, span.start)
    first = issued[0].period_start if issued else span.start
    known = Known(
        since=beginnings([customer.pk]).get(customer.pk),
        steps=steps([customer.pk]).get(customer.pk, []),
        readings=readings([customer.pk], first, span.end).get(customer.pk, {}),
    )
    book = pricing.with_every_plan_active(pricing.book(version))
    try:
        found = statement(known, span, book, _closed(issued), _credit(issued))
    except NoSuchPlan as error:
        message = f"of the customer's subscription {error}"
        raise InvalidValues(FieldProblem("plan", "unknown_tier", message)) from None
    return found, version


def _issued(customer: Customer, before: date) -> list[Invoice]:
    """The customer's invoices of the months before a day that may still be adjusted."""
    since = periods.month(before).start - timedelta(days=31 * REOPENED)
    rows = Invoice.objects.filter(
        Q(customer=customer) | Q(customer__merged_into=customer),
        period_start__lt=before,
        period_start__gte=since,
    )
    billed = rows.annotate(adjusted=Sum("adjusted_by__amount")).select_related("version__book")
    return list(billed.order_by("period_start", "pk"))


def _closed(issued: Sequence[Any]) -> list[Closed]:
    """Each month once: where records were merged, it is what was billed to both."""
    found: dict[date, Closed] = {}
    for row in issued:
        billed = row.rated + (row.adjusted or Decimal(0))
        same = found.get(row.period_start)
        found[row.period_start] = (
            replace(same, billed=same.billed + billed)
            if same
            else Closed(
                row.pk,
                Month(row.period_start, row.period_end),
                pricing.with_every_plan_active(pricing.book(row.version)),
                billed,
            )
        )
    return list(found.values())


def _credit(issued: Sequence[Invoice]) -> Decimal:
    """What the latest invoice of each record carried over."""
    last = {each.customer_id: each.carried for each in issued}
    return sum(last.values(), Decimal(0))


@dataclass(frozen=True, slots=True)
class Bill:
    """A month's bill as it stands, or as it was issued."""

    customer: Customer
    span: Month
    version: PriceBookVersion
    situation: PricingInputs
    lines: tuple[PriceLine, ...]
    total: Decimal
    carried: Decimal
    not_given: tuple[str, ...]
    is_complete: bool
    issued: Invoice | None

    @property
    def currency(self) -> str:
        return str(self.version.book.currency)

    def as_dict(self) -> dict[str, Any]:
        """In the names of the API; amounts as Decimal."""
        return {
            "customer_id": self.customer.external_id,
            "currency": self.currency,
            "period_start": self.span.start.isoformat(),
            "period_end": self.span.end.isoformat(),
            "is_complete": self.is_complete,
            "is_issued": self.issued is not None,
            "version": str(self.version),
            "usage": dict(self.situation.usage),
            "lines": [asdict(each) for each in self.lines],
            "total": self.total,
            "carried": self.carried,
            "not_given": list(self.not_given),
        }


def bill(external_id: str, day: date | None, now: datetime) -> Bill:
    """A customer's bill of the month that holds `day`; of the running one where it is None.

    Raises Customer.DoesNotExist and what `preview` raises.
    """
    customer = Customer.objects.select_related("merged_into").get(external_id=external_id)
    customer = customer.merged_into or customer
    today = periods.today_in(customer.time_zone, now)
    span = periods.month(day or today)
    stands = issued(customer, span.start)
    common: dict[str, Any] = {"customer": customer, "span": span, "is_complete": today >= span.end}
    if stands is not None:
        return Bill(
            **common,
            version=stands.version,
            situation=inputs_from_json(stands.inputs),
            lines=lines(stands),
            total=stands.total,
            carried=stands.carried,
            not_given=(),
            issued=stands,
        )
    found, version = preview(customer, span.start)
    return Bill(
        **common,
        version=version,
        situation=found.situation,
        lines=found.lines,
        total=found.total,
        carried=found.carried,
        not_given=found.not_given,
        issued=None,
    )


def lines(found: Invoice) -> tuple[PriceLine, ...]:
    """An invoice's lines as they were issued."""
    return tuple(line_from_json(each) for each in found.lines)


def issued(customer: Customer, day: date) -> Invoice | None:
    """The invoice of the month that holds `day`, where it is closed."""
    rows = Invoice.objects.select_related("version__book", "customer")
    return rows.filter(customer=customer, period_start=periods.month(day).start).first()


def listed(customer: Customer, most: int) -> list[Invoice]:
    """The customer's newest invoices."""
    return list(Invoice.objects.filter(customer=customer).order_by("-period_start")[:most])


# --- Simulations --------------------------------------------------------------------------------


def accounts(currency: str, today: date, most: int) -> list[SimulatedAccount]:
    """Whom a simulation rates: each running subscription, by the use of its last complete months.

    A month of which no use is stored is left out; a customer without any is rated by the plan
    alone, as is every subscription beside the one that began first. Where nothing runs, the newest
    quotes are rated.
    """
    spans = periods.complete(today, RATED)
    running = Subscription.objects.filter(currency=currency, ended_on=None, amount__gt=0)
    earlier = running.filter(customer=OuterRef("customer")).order_by("started_on", "external_id")
    carrier = Subquery(earlier.values("external_id")[:1])
    rows = running.exclude(plan="").annotate(carrier=carrier).order_by("external_id")
    fields = ("external_id", "customer_id", "customer__segment", "plan", "carrier")
    found = list(rows.values_list(*fields)[:most])
    known = [
        account
        for start in range(0, len(found), BATCH)
        for account in _used(found[start : start + BATCH], spans)
    ]
    return known or pricing.accounts_from_quotes(currency, most)


def _used(rows: Sequence[Any], spans: Sequence[Month]) -> Iterator[SimulatedAccount]:
    keys = {row[1] for row in rows}
    use, since = readings(keys, spans[0].start, spans[-1].end), beginnings(keys)
    for key, customer, segment, plan, carrier in rows:
        mine = use.get(customer, {}) if key == carrier else {}
        told = tuple(
            periods.situation(mine, span, since.get(customer))
            for span in spans
            if periods.is_used(mine.values(), span)
        )
        yield SimulatedAccount(key, segment or "none", plan, told or (NOTHING,) * len(spans))


def simulation(
    version: PriceBookVersion,
    against: PriceBookVersion,
    today: date,
    most: int = pricing.MAX_PAGE_ACCOUNTS,
) -> Simulation:
    """All accounts under `against` now and `version` then. Raises exact.Wrong: other currency."""
    known = accounts(against.book.currency, today, most)
    return simulate(pricing.book(against), pricing.book(version), known)


# --- Files and people ---------------------------------------------------------------------------

USE = ("customer", "metric", "day", "quantity")


def _use_rows() -> Iterator[Sequence[Cell]]:
    """The total of each customer, metric and day."""
    rows = DailyUse.objects.order_by("day", "customer__external_id", "meter__code")
    grouped = rows.values_list("customer__external_id", "meter__code", "day")
    yield from grouped.annotate(Sum("quantity")).iterator()


INVOICES = ("customer", "period_start", "period_end", "currency", "total", "carried", "issued_at")


def _invoice_rows() -> Iterator[Sequence[Cell]]:
    rows = Invoice.objects.order_by("period_start", "pk").annotate(who=F("customer__external_id"))
    yield from rows.values_list("who", *INVOICES[1:]).iterator()


EXPORTERS = (
    Exporter("billed-use", "Use that is billed, by day", USE, _use_rows),
    Exporter("invoices", "Invoices", INVOICES, _invoice_rows),
)


def personal(customer_ids: Collection[int]) -> Mapping[str, Any]:
    """What is kept here of customers, as plain values."""
    mine = {"customer__in": customer_ids}
    return {
        "daily_use": list(DailyUse.objects.filter(**mine).order_by("day", "pk").values()),
        "invoices": list(Invoice.objects.filter(**mine).order_by("period_start").values()),
        "adjustments": list(
            Adjustment.objects.filter(invoice__customer__in=customer_ids).order_by("pk").values()
        ),
    }
