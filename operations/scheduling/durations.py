"""How long a task type really takes, learned from successful runs.

Log seconds have an exponentially decayed mean and variance (West, 1979): a run's weight halves
after 50 more. The submitted estimate counts as PRIOR_RUNS runs, so a new type starts at its
estimate. Failed and expired runs do not count.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

PRIOR_RUNS = 5.0  # weight of the submitted estimate
HALF_LIFE_RUNS = 50.0
DECAY = 0.5 ** (1 / HALF_LIFE_RUNS)
MIN_RUNS_FOR_P95 = 8
Z95 = 1.645
MIN_RUN_SECONDS = 1e-3  # shorter runs count as this
MIN_LEASE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LearnedDuration:
    """`runs` successes so far; mean and variance of their log seconds, the latest counting most."""

    runs: int = 0
    mean: float = 0.0
    variance: float = 0.0

    @property
    def weight(self) -> float:
        """How many undecayed runs these are worth: at most about 72."""
        return float((1 - DECAY**self.runs) / (1 - DECAY))

    def after(self, seconds: float) -> "LearnedDuration":
        """With one more successful run of so many seconds."""
        runs = self.runs + 1
        share = 1 / LearnedDuration(runs).weight
        step = log(max(seconds, MIN_RUN_SECONDS)) - self.mean
        variance = (1 - share) * (self.variance + share * step * step)
        return LearnedDuration(runs, self.mean + share * step, variance)

    def estimate(self, submitted: float) -> float:
        """Seconds to plan with, given the submitted estimate; without runs exactly that."""
        if not self.runs:
            return submitted
        weight = self.weight
        total = PRIOR_RUNS * log(max(submitted, MIN_RUN_SECONDS)) + weight * self.mean
        return exp(total / (PRIOR_RUNS + weight))

    def p95(self) -> float | None:
        """The 95th percentile in seconds; None with fewer than MIN_RUNS_FOR_P95 runs."""
        if self.runs < MIN_RUNS_FOR_P95:
            return None
        return exp(self.mean + Z95 * sqrt(self.variance))
