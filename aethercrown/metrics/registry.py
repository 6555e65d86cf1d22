"""`metric_registry`: which metrics there are, and reading several with few queries. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

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

    @property
    def is_over(self) -> bool:
        """Whether the period ended before today."""
        return self.period.last < self.now.date()


# Reads every metric of a feature at once, by name: metrics with one reader cost one read.
Reader = Callable[[MetricQuery], Mapping[str, Reading]]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure with its definition; `source` is the path of the page with the rows behind it.

    One without history is only known for now: it is not read for a period that is over.
    """

    name: str
    title: str
    definition: str
    unit: MetricUnit
    good: Good
    source: str
    read: Reader
    has_history: bool = True


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
    known = [each for each in listed if each.has_history or not query.is_over]
    found: dict[str, Reading] = {}
    for reader in dict.fromkeys(each.read for each in known):
        found.update(reader(query))
    missing, forgotten = unknown("Not calculated"), unknown("No history is kept")
    return {
        each.name: found.get(each.name, missing) if each in known else forgotten for each in listed
    }
