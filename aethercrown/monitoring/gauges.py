"""Gauges of features in /metrics: what each registers is read when the figures are asked."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db import DatabaseError
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from aethercrown.registry import Registry

log = logging.getLogger(__name__)


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
        """A gauge that cannot be read is left out, so that the others are not lost with it."""
        for each in gauge_sources:
            family = GaugeMetricFamily(each.name, each.about, labels=each.labels)
            try:
                values = each.read()
            except DatabaseError:
                log.exception("The gauge %s cannot be read", each.name)
                continue
            for labels, value in values.items():
                family.add_metric(labels, value)
            yield family


REGISTRY.register(FeatureGauges())
