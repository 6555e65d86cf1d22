"""Reading the ledger as a whole: a bridge for each segment, and what is wrong with it."""

from collections.abc import Callable, Collection, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, QuerySet, Sum
from django.db.models.functions import Coalesce

from operations.automations.registry import always
from revenue.customers import reports as customers
from revenue.customers.models import Change, Customer, Movement
from revenue.customers.reports import BOOKED
from revenue.mrr import retention
from revenue.mrr.billing_interval import month_of
from revenue.mrr.bridge import Bridge, Row, months
from revenue.mrr.models import KeptSum, Mark, MonthlySum
from revenue.mrr.movements import Kind, missing
from revenue.mrr.retention import NONE, Kept, Place

SEGMENT = Coalesce("customer__merged_into__segment", "customer__segment")
OWNER = Coalesce("customer__merged_into", "customer")
OWN_ALONE = F("segment")  # of one who was not merged into another
OF_KEPT = "merged_into__segment"
BATCH = 500
SMALL = 10_000  # customers of a ledger that a page may read whole
LISTED = 20  # differences told in words
SegmentRow = tuple[str, date, str, Decimal, int]


def bridges_by_segment(
    currency: str, first: date, last: date, *, basis: str = BOOKED
) -> dict[str, list[Bridge]]:
    """The bridge of each segment; every movement is in exactly one, by its customer as of now.

    From the monthly sums where they hold, else from every row.
    """
    found: dict[str, list[Row]] = {}
    for segment, on, kind, amount, payers in _rows(currency, basis):
        found.setdefault(segment, []).append((on, kind, amount, payers))
    return {name: months(found[name], first, last) for name in sorted(found)}


def _rows(currency: str, basis: str) -> Iterator[SegmentRow]:
    mark = holding_mark()
    if mark is None:
        yield from whole(currency, basis)
        return
    sums = MonthlySum.objects.filter(currency=currency, basis=basis)
    yield from sums.values_list("segment", "month", "kind", "amount", "payers")
    yield from _since(mark, currency, basis)
    yield from _moved(mark, currency, basis)


def holding_mark() -> Mark | None:
    """How far the sums reach; None where they were not made, or rows below the mark are missing."""
    mark = Mark.objects.filter(pk=1).first()
    if mark is None:
        return None
    # Counting all of a table reads its narrowest index alone; counting a part reads its rows.
    later = Movement.objects.filter(pk__gt=mark.upto).count()
    return mark if Movement.objects.count() - later == mark.rows else None


def whole(currency: str, basis: str) -> Iterator[SegmentRow]:
    """Every row of the ledger by segment and day."""
    yield from by_segment(Movement.objects.filter(currency=currency), basis)


def by_segment(rows: QuerySet[Movement], basis: str) -> Iterator[SegmentRow]:
    grouped = rows.order_by().values_list(SEGMENT, basis, "kind")
    yield from summed(grouped)


def summed(grouped: Any) -> Any:
    """Groups with the sum of their amounts and of their change in paying customers."""
    return grouped.annotate(Sum("amount"), Sum("payers")).iterator()


def _since(mark: Mark, currency: str, basis: str) -> Iterator[SegmentRow]:
    """Rows after the mark. They are found by number alone: by currency, all would be read."""
    rows = Movement.objects.filter(pk__gt=mark.upto).order_by()
    for of, *row in summed(rows.values_list("currency", SEGMENT, basis, "kind")):
        if of == currency:
            segment, on, kind, amount, payers = row
            yield segment, on, kind, amount, payers


def _moved(mark: Mark, currency: str, basis: str) -> Iterator[SegmentRow]:
    """Rows of customers who changed segment since: taken from the one, given to the other."""
    keys = moved_customers()
    for start in range(0, len(keys), BATCH):
        rows = Movement.objects.filter(customer__in=keys[start : start + BATCH]).order_by()
        grouped = rows.filter(pk__lte=mark.upto).values_list(
            "currency", "customer__rolled_segment", SEGMENT, basis, "kind"
        )
        for of, old, new, on, kind, amount, payers in summed(grouped):
            if of == currency:
                yield old, on, kind, -amount, -payers
                yield new, on, kind, amount, payers


def moved_customers() -> list[int]:
    """Those whom the sums count in a segment that is not theirs now.

    Customers of their own are found in an index; those who were merged are few.
    """
    counted = Customer.objects.filter(rolled_segment__isnull=False).order_by()
    alone = counted.filter(merged_into=None).exclude(rolled_segment=OWN_ALONE)
    merged = counted.filter(merged_into__isnull=False).exclude(rolled_segment=F(OF_KEPT))
    return [pk for rows in (alone, merged) for pk in rows.values_list("pk", flat=True)]


def newest() -> tuple[int, int]:
    """The ledger's newest row and how many there are."""
    found = Movement.objects.aggregate(upto=Max("pk"), rows=Count("pk"))
    return found["upto"] or 0, found["rows"]


# --- What was kept ------------------------------------------------------------------------------


def kept(currency: str, basis: str = BOOKED, *, small: int = SMALL) -> dict[Place, Kept] | None:
    """What customers of each span's start gave more and less at its end, exact at any moment.

    None while the sums of a ledger of more than `small` customers are not made: the nightly run
    makes them.
    """
    mark, stored = holding_mark(), KeptSum.objects.filter(basis=basis).order_by()
    if mark is None or not stored.exists():
        keys = _owners(Movement.objects.filter(currency=currency), small + 1)
        return None if len(keys) > small else kept_of(keys, basis).get(currency, {})
    fields = ("months", "month", "gained", "lost", "left")
    rows = stored.filter(currency=currency).values_list(*fields)
    found = {(months, month): Kept(*sums) for months, month, *sums in rows}
    later = _owners(Movement.objects.filter(pk__gt=mark.upto))
    for place, each in kept_of(later, basis).get(currency, {}).items():
        found[place] = found.get(place, NONE).plus(each)
    for place, each in kept_of(later, basis, upto=mark.upto).get(currency, {}).items():
        found[place] = found.get(place, NONE).minus(each)
    return found


def _owners(rows: QuerySet[Movement], most: int | None = None) -> list[int]:
    return sorted(rows.order_by().values_list(OWNER, flat=True).distinct()[:most])


def touched(after: int, upto: int) -> list[int]:
    """The customers whose rows were booked between two marks."""
    return _owners(Movement.objects.filter(pk__gt=after, pk__lte=upto))


def kept_of(
    keys: Collection[int], basis: str, upto: int | None = None
) -> dict[str, dict[Place, Kept]]:
    """What customers add to the spans of each currency, by their rows up to a mark."""
    found: dict[str, dict[Place, Kept]] = {}
    listed = list(keys)
    for start in range(0, len(listed), BATCH):
        for (_, currency), nets in _nets(listed[start : start + BATCH], basis, upto).items():
            sums = found.setdefault(currency, {})
            for place, each in retention.of_customer(nets):
                sums[place] = sums.get(place, NONE).plus(each)
    return found


def _nets(
    keys: list[int], basis: str, upto: int | None
) -> dict[tuple[int, str], dict[date, Decimal]]:
    """What moved in each month, by customer and currency."""
    same = Customer.objects.filter(merged_into__in=keys).values_list("pk", "merged_into_id")
    owners = dict(same)
    rows = Movement.objects.filter(customer__in=[*keys, *owners]).order_by()
    rows = rows if upto is None else rows.filter(pk__lte=upto)
    found: dict[tuple[int, str], dict[date, Decimal]] = {}
    for pk, currency, on, kind, amount in rows.values_list(
        "customer_id", "currency", basis, "kind", "amount"
    ).iterator():
        mine = found.setdefault((owners.get(pk, pk), currency), {})
        month = month_of(on)
        mine[month] = mine.get(month, Decimal(0)) + Kind(kind).sign * amount
    return found


# --- Whether it is right ------------------------------------------------------------------------


def differing(held: Callable[[], bool] = always, most: int = LISTED) -> tuple[int, list[str]]:
    """Customers whose ledger is not what their subscriptions say, worked out anew row by row.

    How many there are, and the first `most` in words. Every day and kind is compared, not only
    the sums, and what a subscription brings with its last change.
    """
    count, told, after = 0, list(_unsettled(most)), 0
    count += len(told)
    while held() and (keys := _customers(after)):
        after = keys[-1]
        steps, booked = customers.steps(keys), customers.booked(keys)
        for key in keys:
            lacking = missing(steps.get(key, []), booked.get(key, {}))
            count += bool(lacking)
            if lacking and len(told) < most:
                one = lacking[0]
                told.append(
                    f"customer {key}: the ledger lacks {one.kind} of {one.amount.normalize():f} on"
                    f" {one.on} and {len(lacking) - 1} rows more"
                )
    return count, told


def _customers(after: int) -> list[int]:
    rows = Customer.objects.filter(pk__gt=after, merged_into=None).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:BATCH])


def _unsettled(most: int) -> Iterator[str]:
    """Subscriptions whose amount is not that of their last change."""
    last = Change.objects.order_by("subscription", "-on", "-pk")
    seen: set[int] = set()
    fields = ("subscription_id", "subscription__customer_id", "amount", "subscription__amount")
    found = 0
    for pk, customer, changed, stored in last.values_list(*fields).iterator():
        if pk not in seen and changed != stored and found < most:
            found += 1
            yield f"customer {customer}: a subscription brings {stored}, its last change {changed}"
        seen.add(pk)


def sums_differ() -> list[str]:
    """Months in which the monthly sums are not the sum of their rows; the whole ledger is read."""
    mark = Mark.objects.filter(pk=1).first()
    if mark is None:
        return []
    found = []
    for basis in MonthlySum.Basis.values:
        stored = MonthlySum.objects.filter(basis=basis).order_by()
        sums = stored.values_list("currency", "month", "kind").annotate(
            Sum("amount"), Sum("payers")
        )
        rows = Movement.objects.filter(pk__lte=mark.upto).order_by()
        days = rows.values_list("currency", basis, "kind").annotate(Sum("amount"), Sum("payers"))
        summed: dict[tuple[str, date, str], tuple[Decimal, int]] = {}
        for currency, on, kind, amount, payers in days.iterator():
            place = (currency, on.replace(day=1), kind)
            has = summed.get(place, (Decimal(0), 0))
            summed[place] = has[0] + amount, has[1] + payers
        kept = {(c, m, k): (a, p) for c, m, k, a, p in sums}
        found += [
            f"{kind} of {month:%B %Y} in {currency} ({basis})"
            for currency, month, kind in sorted(summed.keys() | kept.keys())
            if summed.get((currency, month, kind)) != kept.get((currency, month, kind))
        ]
    return found


def personal(_customer_ids: Collection[int]) -> dict[str, object]:
    """Sums tell of nobody."""
    return {}
