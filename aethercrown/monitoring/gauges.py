"""Gauges of features in /metrics: what each registers is read when the figures are asked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from aethercrown.registry import Registry


@dataclass(frozen=True, slots=True)
class GaugeSource:
    """`read` gives the value of each combination of labels, in the order of `labels`."""

    name: str
    about: str
    read: Callable[[], Mapping[tuple[str, ...], float]]
    labels: tuple[str, ...] = ()


gauge_sources: Registry[GaugeSource] = Registry("gauge")


class FeatureGauges(Collector):
    """Reads every registered gauge."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: features register after this one."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for each in gauge_sources:
            family = GaugeMetricFamily(each.name, each.about, labels=each.labels)
            for labels, value in each.read().items():
                family.add_metric(labels, value)
            yield family


REGISTRY.register(FeatureGauges())
