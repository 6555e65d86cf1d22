"""MRR and what follows from it, as metrics."""

from collections.abc import Callable, Sequence
from datetime import date

from aethercrown.formatting import counted, full, money, month_text, signed
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from revenue.customers.billing_interval import is_complete, month_of, months_before
from revenue.mrr import bridge as ratios
from revenue.mrr.bridge import Bridge
from revenue.mrr.models import RollupWatermark
from revenue.mrr.reports.bridges import LedgerMonths, ledger_months, valid_watermark
from revenue.mrr.reports.ledger import BOOKED
from revenue.mrr.reports.retention import retention_deltas
from revenue.mrr.retention import RetentionDelta, SpanKey, SpanRetention, span_retention

PAGE = "/dashboards/revenue"
MONTHS_READ = 24  # the year of the sparklines, and the year before it for retention
SHOWN_MONTHS = 12
LEVELS = ("revenue.mrr", "revenue.arr", "revenue.paying_customers")
NOT_ROLLED_UP = "Calculated by the nightly run"
NO_OPENING_MRR = "No MRR when the last complete month began"


def read(query: MetricQuery) -> dict[str, Reading]:
    """Every metric of the ledger, in one currency, as of the last day of the period."""
    return readings(_bridges(query), query, lambda: deltas(query))


def read_levels(query: MetricQuery) -> dict[str, Reading]:
    """MRR, ARR and paying customers alone: without the retention, which costs more."""
    known = [each for each in _bridges(query) if each.moved or each.opening]
    if not known:
        return dict.fromkeys(LEVELS, unknown(f"No subscription in {query.currency} until then"))
    return _levels(known, query)


def _bridges(query: MetricQuery) -> Sequence[Bridge]:
    last = query.period.last
    first = min(months_before(last, MONTHS_READ), month_of(query.period.first))
    found: Sequence[Bridge] = query.shared(
        f"bridges of {query.period}", lambda: months(query).bridge(first, last)
    )
    return found


def months(query: MetricQuery, basis: str = BOOKED) -> LedgerMonths:
    """The ledger of the query's currency, read once for the query."""
    return query.shared(
        f"ledger by {basis}",
        lambda: ledger_months(query.currency, watermark(query), basis=basis),
    )


def deltas(query: MetricQuery, basis: str = BOOKED) -> dict[SpanKey, RetentionDelta] | None:
    """The retention of the query's currency, read once for the query."""
    return query.shared(
        f"retention by {basis}",
        lambda: retention_deltas(query.currency, basis, watermark=lambda: watermark(query)),
    )


def watermark(query: MetricQuery) -> RollupWatermark | None:
    return query.shared("watermark of the roll-ups", valid_watermark)


def readings(
    bridges: Sequence[Bridge],
    query: MetricQuery,
    retained: Callable[[], dict[SpanKey, RetentionDelta] | None],
) -> dict[str, Reading]:
    """The metrics of these consecutive months; without any subscription all are unknown."""
    known = [each for each in bridges if each.moved or each.opening]
    if not known:
        reason = unknown(f"No subscription in {query.currency} until then")
        return {each.name: reason for each in METRICS}
    return _levels(known, query) | _rates(bridges, query, retained())


def _levels(known: Sequence[Bridge], query: MetricQuery) -> dict[str, Reading]:
    """MRR, ARR and paying customers at the end of the period, with their course."""
    now, unit = known[-1], money(query.currency, 0)
    shown = known[-SHOWN_MONTHS - 1 :]
    begun = [each for each in known if each.starts_on >= month_of(query.period.first)]
    moved = now.closing - begun[0].opening if begun else now.closing
    each_pays = full(ratios.arpa(now), money(query.currency))
    return {
        "revenue.mrr": Reading(
            now.closing,
            note=f"{signed(moved, unit)} since {month_text(query.period.first)} began",
            series=[(each.starts_on, each.closing) for each in shown],
        ),
        "revenue.arr": Reading(
            ratios.arr(now.closing),
            note="12 \N{MULTIPLICATION SIGN} MRR",
            series=[(each.starts_on, ratios.arr(each.closing)) for each in shown],
        ),
        "revenue.paying_customers": Reading(
            now.payers_closing,
            note=f"{each_pays} each a month",
            series=[(each.starts_on, each.payers_closing) for each in shown],
        ),
    }


def _rates(
    bridges: Sequence[Bridge], query: MetricQuery, found: dict[SpanKey, RetentionDelta] | None
) -> dict[str, Reading]:
    """Churn of the last complete month, and retention over the year that ends with it."""
    complete = [each for each in bridges if is_complete(each.starts_on, query.period.last)]
    paid = [each for each in complete if each.opening > 0]
    if not paid or paid[-1] is not complete[-1]:
        return dict.fromkeys(RATES, unknown(NO_OPENING_MRR))
    last = complete[-1]
    if found is None:
        return {**dict.fromkeys(RATES, unknown(NOT_ROLLED_UP)), **_of_bridge(last, paid)}
    retained = span_retention(bridges, found)
    month, year = retained[1, last.starts_on], retained.get((12, last.starts_on))
    return {
        "revenue.customer_churn": Reading(
            month.churn,
            "No paying customer when the month began",
            note=f"{counted(month.delta.left, 'customer')} lost in {month_text(last.starts_on)}",
            series=[(e.starts_on, retained[1, e.starts_on].churn) for e in paid[-SHOWN_MONTHS:]],
        ),
        **_of_bridge(last, paid),
        **_year(year, last.starts_on),
    }


def _of_bridge(last: Bridge, paid: Sequence[Bridge]) -> dict[str, Reading]:
    month = f"in {month_text(last.starts_on)}"
    return {
        "revenue.gross_mrr_churn": Reading(
            ratios.gross_churn(last),
            "No MRR when the month began",
            note=month,
            series=[(each.starts_on, ratios.gross_churn(each)) for each in paid[-SHOWN_MONTHS:]],
        ),
        "revenue.quick_ratio": Reading(
            ratios.quick_ratio(last), f"Nothing was lost {month}", note=month
        ),
    }


def _year(year: SpanRetention | None, month: date) -> dict[str, Reading]:
    if year is None or year.net is None:
        names = ("revenue.net_retention", "revenue.gross_retention")
        return dict.fromkeys(names, unknown("No customer paid a year ago"))
    note = f"the 12 months to {month_text(month)}"
    return {
        "revenue.net_retention": Reading(year.net, note=note),
        "revenue.gross_retention": Reading(year.gross, note=note),
    }


def _metric(name: str, title: str, definition: str, unit: MetricUnit, good: Good) -> Metric:
    name = f"revenue.{name}"
    return Metric(
        name, title, definition, unit, good, PAGE, read_levels if name in LEVELS else read
    )


METRICS = (
    _metric(
        "mrr",
        "MRR",
        "MRR of all active subscriptions, before tax and without one-off charges.",
        MetricUnit.MONEY,
        Good.UP,
    ),
    _metric("arr", "ARR", "Annual recurring revenue: twelve times MRR.", MetricUnit.MONEY, Good.UP),
    _metric(
        "paying_customers",
        "Paying customers",
        "Customers with MRR above zero, and their average MRR.",
        MetricUnit.COUNT,
        Good.UP,
    ),
    _metric(
        "customer_churn",
        "Customer churn",
        "Customers who paid when the last complete month began and paid nothing when it ended, in"
        " percent of those who paid.",
        MetricUnit.PERCENT,
        Good.DOWN,
    ),
    _metric(
        "gross_mrr_churn",
        "Gross MRR churn",
        "Churn and contraction of the last complete month, in percent of its opening MRR.",
        MetricUnit.PERCENT,
        Good.DOWN,
    ),
    _metric(
        "net_retention",
        "Net retention",
        "MRR at the end from the customers of a year ago, in percent of their MRR then.",
        MetricUnit.PERCENT,
        Good.UP,
    ),
    _metric(
        "gross_retention",
        "Gross retention",
        "Net retention without expansion: 100 percent at most.",
        MetricUnit.PERCENT,
        Good.UP,
    ),
    _metric(
        "quick_ratio",
        "Quick ratio",
        "New, expansion and reactivation of the last complete month over its contraction and"
        " churn.",
        MetricUnit.RATIO,
        Good.UP,
    ),
)
RATES = tuple(each.name for each in METRICS[3:])
