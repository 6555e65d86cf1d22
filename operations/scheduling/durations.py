"""How long a kind of task really takes, learned from the runs that succeeded.

Log seconds have a decayed mean and variance (West, 1979): a run counts half after 50 more. The
caller's estimate stands in for PRIOR runs, so a new kind of task begins where its caller says.
Failed and reclaimed runs do not teach.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

PRIOR = 5.0  # runs that the caller's estimate weighs
HALF_LIFE = 50.0  # runs
DECAY = 0.5 ** (1 / HALF_LIFE)
ENOUGH = 8  # runs before a 95th percentile is told
Z95 = 1.645
BRIEFEST = 1e-3  # seconds: what is shorter is taken for this
SHORTEST_LEASE = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Learned:
    """`runs` successes so far; mean and variance of their log seconds, the latest counting most."""

    runs: int = 0
    mean: float = 0.0
    variance: float = 0.0

    @property
    def weight(self) -> float:
        """How many undecayed runs these are worth: at most about 72."""
        return float((1 - DECAY**self.runs) / (1 - DECAY))

    def after(self, seconds: float) -> "Learned":
        """With one more successful run of so many seconds."""
        runs = self.runs + 1
        share = 1 / Learned(runs).weight
        step = log(max(seconds, BRIEFEST)) - self.mean
        variance = (1 - share) * (self.variance + share * step * step)
        return Learned(runs, self.mean + share * step, variance)

    def estimate(self, told: float) -> float:
        """Seconds to plan with, where the caller told so many; without runs exactly those."""
        if not self.runs:
            return told
        weight = self.weight
        known = PRIOR * log(max(told, BRIEFEST)) + weight * self.mean
        return exp(known / (PRIOR + weight))

    def p95(self) -> float | None:
        """Seconds that 95 of 100 runs stay below; None before there are enough."""
        if self.runs < ENOUGH:
            return None
        return exp(self.mean + Z95 * sqrt(self.variance))

    def lease(self, told: float) -> float:
        """Seconds a worker may keep a task: twice the 95th percentile, at least a minute."""
        return max(SHORTEST_LEASE, 2 * (self.p95() or self.estimate(told)))
