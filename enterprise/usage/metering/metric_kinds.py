"""Kinds of metrics, and the figure that a span of events makes of them; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class MetricKind(StrEnum):
    """Quantities of a counter add up in a period; of a gauge the last reading is valid."""

    COUNTER = "counter"
    GAUGE = "gauge"


class MetricAggregation(StrEnum):
    """How the events of a span make one figure."""

    SUM = "sum"
    COUNT = "count"
    MAX = "max"
    UNIQUE = "unique"
    LAST = "last"
    TIME_WEIGHTED = "time_weighted"


GAUGE_AGGREGATIONS = frozenset({MetricAggregation.LAST, MetricAggregation.TIME_WEIGHTED})
LOOKED_FOR = frozenset({MetricAggregation.MAX, *GAUGE_AGGREGATIONS})


@dataclass(frozen=True, slots=True)
class SpanTotals:
    """The events of a span: how many, their sum, the largest, and the latest with its time.

    Of two at one time the larger one is the latest, so that the order of arrival does not matter.
    """

    count: int
    quantity: Decimal
    most: Decimal
    last: Decimal
    last_at: datetime
    different: int = 0  # values of a day; those of days together are counted from the values
    average: Decimal | None = None  # over a day's time; None of other spans

    def plus(self, other: "SpanTotals") -> "SpanTotals":
        """Both spans together."""
        latest = max(self, other, key=lambda each: (each.last_at, each.last))
        return SpanTotals(
            self.count + other.count,
            self.quantity + other.quantity,
            max(self.most, other.most),
            latest.last,
            latest.last_at,
        )

    def figure(self, aggregation: str) -> Decimal:
        """What the span used, by a metric's aggregation."""
        figures = {
            MetricAggregation.SUM: self.quantity,
            MetricAggregation.COUNT: Decimal(self.count),
            MetricAggregation.MAX: self.most,
            MetricAggregation.UNIQUE: Decimal(self.different),
            MetricAggregation.LAST: self.last,
            MetricAggregation.TIME_WEIGHTED: self.last if self.average is None else self.average,
        }
        return figures[MetricAggregation(aggregation)]


def total(spans: Iterable[SpanTotals]) -> SpanTotals | None:
    """All spans together; None of none."""
    found: SpanTotals | None = None
    for each in spans:
        found = each if found is None else found.plus(each)
    return found
