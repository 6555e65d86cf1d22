"""One client's usage over a period: totals, trends, costs, health, and all stored rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Max, Min

from enterprise.usage.analysis import trend as trends
from enterprise.usage.analysis.crossing import UsageLevel
from enterprise.usage.analysis.health_score import UsageFacts, UsageHealth, usage_health
from enterprise.usage.analysis.trend import DaysToLimit, TrendVerdict, UsageTrend
from enterprise.usage.metering.metric_kinds import MetricAggregation, MetricKind
from enterprise.usage.metering.months import today_in
from enterprise.usage.models import (
    ClientMetric,
    RefusedEvent,
    UsageAdjustment,
    UsageAlert,
    UsageBackfill,
    UsageDay,
    UsageEvent,
    UsageLimit,
    UsageReading,
)
from enterprise.usage.reports import costs, lag, rollups
from enterprise.usage.reports.levels import MetricLevel, levels_of
from revenue.customers import reports as customers

MIN_TREND_DAYS = 28  # of history that a trend is taken from, whatever the report's period
ONE_DAY = timedelta(days=1)
ZERO, UNIQUE = Decimal(0), MetricAggregation.UNIQUE


class UnknownClient(LookupError):
    """There is no client of this id."""


@dataclass(frozen=True, slots=True)
class MetricUse:
    """One metric of a client over the days of a report."""

    level: MetricLevel
    days: Mapping[date, Decimal]
    trend: UsageTrend
    outlook: DaysToLimit
    different: int = 0  # values of a unique metric in all days

    @property
    def total(self) -> Decimal | None:
        """A counter's use of all days by its aggregation; a gauge's last reading or average."""
        aggregation = self.level.metric.aggregation
        if aggregation == MetricAggregation.LAST:
            return self.level.used
        if not self.days:
            return None
        if aggregation == MetricAggregation.UNIQUE:
            return Decimal(self.different)
        if aggregation == MetricAggregation.TIME_WEIGHTED:
            return self.daily_average
        largest = aggregation == MetricAggregation.MAX
        return max(self.days.values()) if largest else sum(self.days.values(), ZERO)

    @property
    def daily_average(self) -> Decimal | None:
        """Over the days with data."""
        return sum(self.days.values(), ZERO) / len(self.days) if self.days else None

    @property
    def peak_day(self) -> date | None:
        """The first of the days with the largest use."""
        return max(self.days, key=lambda day: (self.days[day], -day.toordinal()), default=None)

    def as_dict(self) -> dict[str, Any]:
        """The API's fields; what is not known is null, with its reason."""
        version, average = self.level.version, self.daily_average
        return {
            "total": self.total,
            "daily_average": None if average is None else round(average, 6),
            "peak_day": self.peak_day and self.peak_day.isoformat(),
            "limit": None if version is None else Decimal(version.quantity),
            "usage_percent": None if self.level.percent is None else float(self.level.percent),
            "growth_percent": self.trend.growth_percent,
            "trend": self.trend.verdict.value,
            "days_to_limit": self.outlook.days,
            "days_to_limit_earliest": self.outlook.earliest,
            "days_to_limit_latest": self.outlook.latest,
            "days_to_limit_reason": self.outlook.reason,
            "forecast_method": self.trend.method,
            "kind": self.level.metric.kind,
            "unit": self.level.metric.unit,
        }


@dataclass(frozen=True, slots=True)
class ClientUse:
    """A client's metrics over some days, the last of which is today."""

    client_id: str
    customer: int
    name: str
    first: date
    today: date
    metrics: Sequence[MetricUse]


def find(client_id: str) -> int:
    """The number of the customer. Raises UnknownClient."""
    found = customers.clients([client_id])
    if client_id not in found:
        raise UnknownClient(f"There is no client {client_id!r}.")
    return found[client_id].customer


def time_zone(customer: int | None) -> str:
    return customers.time_zones([customer or 0]).get(customer or 0, "UTC")


def client_use(customer: int, period_days: int, now: datetime) -> ClientUse:
    """Every metric with use or a limit, over `period_days` days to today in the client's zone."""
    client_id, name, zone = customers.identity(customer)
    today = today_in(zone, now)
    first = today - timedelta(days=period_days - 1)
    since = min(first, today - timedelta(days=MIN_TREND_DAYS))
    found = levels_of([customer], now).get(customer, [])
    days = rollups.days_of(customer, since, today + ONE_DAY)
    active = rollups.active_days([each.metric.pk for each in found], since, today)
    begun = _first_days(customer)
    different = _different(customer, found, first, today + ONE_DAY)
    metrics = []
    for level in found:
        mine = days.get(level.metric.pk, {})
        start = max(since, begun.get(level.metric.pk, today))
        series = series_of(mine, active.get(level.metric.pk, set()), start, today)
        trend = trends.trend(series, start)
        shown = {day: value for day, value in mine.items() if day >= first}
        outlook = _outlook(level, mine, trend, today)
        metrics.append(MetricUse(level, shown, trend, outlook, different.get(level.metric.pk, 0)))
    return ClientUse(client_id, customer, name, first, today, metrics)


def _different(
    customer: int, found: Sequence[MetricLevel], first: date, end: date
) -> dict[int, int]:
    """How many values each unique metric has in the days."""
    unique = [each.metric.pk for each in found if each.metric.aggregation == UNIQUE]
    counted = rollups.different_values([customer], unique, first, end) if unique else {}
    return {metric: count for (_, metric), count in counted.items()}


def _first_days(customer: int) -> dict[int, date]:
    rows = UsageDay.objects.filter(customer=customer).order_by().values_list("metric_id")
    return dict(rows.annotate(Min("day")))


def series_of(
    days: Mapping[date, Decimal], active: Collection[date], first: date, end: date
) -> list[float | None]:
    """Each complete day; one without a row is 0 if any client sent the metric, else unknown."""
    found: list[float | None] = []
    for place in range((end - first).days):
        day = first + timedelta(days=place)
        value = days.get(day, ZERO if day in active else None)
        found.append(None if value is None else float(value))
    return found


def _outlook(
    level: MetricLevel, days: Mapping[date, Decimal], trend: UsageTrend, today: date
) -> DaysToLimit:
    """Days to the limit, counted from what complete days of the period used."""
    is_gauge = level.metric.kind == MetricKind.GAUGE
    limit = None if level.version is None else Decimal(level.version.quantity)
    if limit is not None and UsageLevel(level.used, limit).reaches(Decimal(100)):
        return DaysToLimit(0, 0, 0)
    used = level.used - (ZERO if is_gauge else days.get(today, ZERO))
    return trends.days_to_limit(trend, used, limit, today, is_gauge=is_gauge)


def client_report(client_id: str, period_days: int, now: datetime) -> dict[str, Any]:
    """The report in the API's fields. Raises UnknownClient."""
    use = client_use(find(client_id), period_days, now)
    health = client_health(use, now)
    found = costs.cost_analysis(use.customer, client_id, now)
    return {
        "client_id": client_id,
        "report_period": {
            "first_day": use.first.isoformat(),
            "last_day": use.today.isoformat(),
            "days": period_days,
        },
        "generated_at": now,
        "usage_summary": {each.level.metric.code: each.as_dict() for each in use.metrics},
        "cost_analysis": found.as_dict(),
        "recommendations": recommendations(use, health),
        "health_score": health.score,
        "risk_level": health.risk_level,
        "freshness": lag.freshness(now).as_dict(),
    }


def client_health(use: ClientUse, now: datetime) -> UsageHealth:
    newest = ClientMetric.objects.filter(customer=use.customer).aggregate(at=Max("last_at"))["at"]
    verdicts = [each.trend.verdict for each in use.metrics]
    known = [each for each in verdicts if each not in {TrendVerdict.TOO_SHORT, TrendVerdict.WEAK}]
    percents = [each.level.percent for each in use.metrics]
    return usage_health(
        UsageFacts(
            TrendVerdict.DECLINING in known if known else None,
            [float(each) for each in percents if each is not None],
            None,  # no payment is recorded as failed yet
            None if newest is None else max(0, (now - newest).days),
        )
    )


def recommendations(use: ClientUse, health: UsageHealth) -> list[str]:
    """What to do about metrics near their limits, and about what costs health."""
    found = []
    for each in use.metrics:
        if each.level.reached:
            found.append(f"{each.level.sentence()} Offer a larger limit or plan.")
        elif each.outlook.days is not None and each.outlook.days <= 30:
            found.append(
                f"{each.level.metric} reaches its limit in {each.outlook.days} days at this"
                " growth. Talk to the client before."
            )
        if not each.level.metric.is_confirmed:
            found.append(f"Confirm what {each.level.metric} measures: nobody has yet.")
    return found + [f"Look into it: {each.reason}." for each in health.deductions]


OWN_ROWS = {
    "usage_events": UsageEvent,
    "usage_readings": UsageReading,
    "usage_limits": UsageLimit,
    "usage_alerts": UsageAlert,
    "usage_adjustments": UsageAdjustment,
    "usage_backfills": UsageBackfill,
    "usage_refused": RefusedEvent,
    "usage_days": UsageDay,
}


def personal_data(customer_ids: Collection[int]) -> Mapping[str, Any]:
    """Every row of some customers, with all columns."""
    return {
        name: list(model._default_manager.filter(customer__in=customer_ids).order_by("pk").values())  # noqa: SLF001 - documented
        for name, model in OWN_ROWS.items()
    }
