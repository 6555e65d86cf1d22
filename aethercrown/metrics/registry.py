"""`metric_registry`: which metrics there are, and reading several with few queries. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from aethercrown.formatting import Number
from aethercrown.metrics.period import Period
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.registry import Registry

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """What is asked: a period, a currency for amounts, and the time it is asked at."""

    period: Period
    currency: str
    now: datetime
    _shared: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def of(self, period: Period) -> "MetricQuery":
        """The same query for another period; what was read for one serves both."""
        return replace(self, period=period)

    def shared(self, name: str, read: Callable[[], Result]) -> Result:
        """What `read` returns, read once for this query and those made of it."""
        if name not in self._shared:
            self._shared[name] = read()
        found: Result = self._shared[name]
        return found

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From the first moment of the period to the first one after it."""
        return self.period.moments(self.now.tzinfo)

    def state(self, value: Number, note: str = "") -> Reading:
        """The reading of a figure without history; unknown for a period that is over."""
        if self.period.last < self.now.date():
            return unknown("No history is kept")
        return Reading(value, note=note)


# Reads every metric of a feature at once, by name: metrics with one reader cost one read.
Reader = Callable[[MetricQuery], Mapping[str, Reading]]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure with its definition; `source` is the path of the page with the rows behind it."""

    name: str
    title: str
    definition: str
    unit: MetricUnit
    good: Good
    source: str
    read: Reader


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric's reading over a period, and over the earlier one where it was asked for."""

    metric: Metric
    reading: Reading
    earlier: Reading | None
    query: MetricQuery

    @property
    def as_of(self) -> datetime:
        return self.query.now


metric_registry = Registry[Metric]("metric")


def measure(
    names: Iterable[str], query: MetricQuery, compared: Period | None = None
) -> list[Measured]:
    """The metrics of these names, in their order. Raises UnknownName."""
    metrics = [metric_registry.get(name) for name in names]
    now = _read(metrics, query)
    earlier = _read(metrics, query.of(compared)) if compared else None
    return [
        Measured(each, now[each.name], earlier[each.name] if earlier else None, query)
        for each in metrics
    ]


def _read(metrics: Iterable[Metric], query: MetricQuery) -> dict[str, Reading]:
    listed = list(metrics)
    found: dict[str, Reading] = {}
    for reader in dict.fromkeys(each.read for each in listed):
        found.update(reader(query))
    missing = unknown("Not calculated")
    return {each.name: found.get(each.name, missing) for each in listed}
