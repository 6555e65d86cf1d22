"""When a flow goes live, with an 80 % interval from finished flows. Pure.

The steps of one flow are slow together, so whole flows are drawn: each reference flow gives the
ratio of actual to planned business hours of every step, and with it one finish of this flow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, floor
from statistics import fmean, median

from enterprise.onboarding import states
from operations.scheduling.planner import graph

FEWEST_FLOWS = 20  # below, planned hours are scaled
FEWEST_SLOWER = 10  # flows that took longer than a running step already has
RELIABILITY_SAMPLE = 20
LOW_SHARE, HIGH_SHARE = 0.1, 0.9
RELIABLE_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class RemainingStep:
    """A step of the flow: planned hours, hours spent since it was ready, and lags in hours.

    `ended` is how long ago a finished step ended, in business hours.
    """

    name: str
    planned: float
    after: Mapping[str, float] = field(default_factory=dict)
    state: str = states.PENDING
    spent: float = 0.0
    ended: float = 0.0

    @property
    def is_over(self) -> bool:
        return self.state not in states.OPEN_STEPS


@dataclass(frozen=True, slots=True)
class Forecast:
    """Business hours from now to go-live; `reference_flows` says how many it was drawn from."""

    low: float
    estimate: float
    high: float
    reference_flows: int

    @property
    def has_history(self) -> bool:
        return self.reference_flows >= FEWEST_FLOWS


Ratios = Mapping[str, float]


def forecast(
    steps: Sequence[RemainingStep],
    references: Sequence[Ratios],
    low_factor: float,
    high_factor: float,
) -> Forecast:
    """The forecast from the step ratios of reference flows; of few, planned hours are scaled."""
    if len(references) < FEWEST_FLOWS:
        planned = finish_in([{}], steps)[0]
        return Forecast(planned * low_factor, planned, planned * high_factor, len(references))
    return replace(interval(finish_in(references, steps)), reference_flows=len(references))


def interval(finishes: Sequence[float]) -> Forecast:
    """The 80 % interval of n finishes by rank: the 0.1 (n + 1)-th and the 0.9 (n + 1)-th."""
    found, n = sorted(finishes), len(finishes)
    low = found[max(floor(LOW_SHARE * (n + 1)), 1) - 1]
    high = found[min(ceil(HIGH_SHARE * (n + 1)), n) - 1]
    return Forecast(low, median(found), high, n)


def finish_in(references: Sequence[Ratios], steps: Sequence[RemainingStep]) -> list[float]:
    """For each reference flow, the business hours until this flow would be finished.

    Flows in which a running step took no longer than it already has are left out; where fewer
    than FEWEST_SLOWER are left, all count, and such a step takes half its planned hours more.
    """
    by_name = {each.name: each for each in steps}
    names, links = graph.number_tasks({each.name: each.after for each in steps})
    order = [by_name[name] for name in graph.topological_order(names, links)]
    running = [each for each in order if each.spent and not each.is_over]
    slower = [
        each for each in references if all(_total(each, step) > step.spent for step in running)
    ]
    used = slower if len(slower) >= FEWEST_SLOWER else references
    return [_finish(each, order) for each in used]


def _finish(reference: Ratios, order: Sequence[RemainingStep]) -> float:
    """The forward pass of one reference flow."""
    ends: dict[str, float] = {}
    for step in order:
        if step.is_over:
            ends[step.name] = -step.ended
            continue
        begins = max([0.0, *(ends[name] + lag for name, lag in step.after.items())])
        total = _total(reference, step)
        if step.spent and total <= step.spent:
            total = step.spent + step.planned / 2
        ends[step.name] = begins + total - step.spent
    return max([0.0, *ends.values()])


def _total(reference: Ratios, step: RemainingStep) -> float:
    return _ratio(reference, step.name) * step.planned


def _ratio(reference: Ratios, name: str) -> float:
    """The flow's ratio of the step, or its mean where it has none of this name."""
    if name in reference:
        return reference[name]
    return fmean(reference.values()) if reference else 1.0


def is_reliable(inside: Sequence[bool]) -> bool:
    """False where fewer than 60 % of the last 20 finished flows fell inside their interval."""
    last = inside[-RELIABILITY_SAMPLE:]
    return len(last) < RELIABILITY_SAMPLE or sum(last) >= RELIABLE_SHARE * len(last)
