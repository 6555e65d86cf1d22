"""Claims from the largest evidence so far, over several variants (Holm 1979)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from marketing.experiments.engine.sequential import HIGHER, LOWER

LARGEST = 700.0  # the exponential function overflows a little above


@dataclass(frozen=True, slots=True)
class ErrorShares:
    """How the chance of a wrong claim is split: for theta above 1, and for theta below."""

    higher: float
    lower: float

    def error_higher(self, alpha: float) -> float:
        return self.higher * alpha

    def error_lower(self, alpha: float) -> float:
        return self.lower * alpha

    @property
    def swapped(self) -> "ErrorShares":
        """For a goal of which less is better."""
        return ErrorShares(self.lower, self.higher)


GAIN = ErrorShares(0.8, 0.2)  # conversion, headline and revenue tests
EVEN = ErrorShares(0.5, 0.5)  # where harm is asked as much as gain: hold-outs, guardrails


@dataclass(frozen=True, slots=True)
class PairClaim:
    """The always-valid p-value of one variant and the direction that it speaks for."""

    p_value: float
    direction: int


def pair_claim(peak_higher: float, peak_lower: float, shares: ErrorShares) -> PairClaim:
    """From the largest log e-values over the looks that passed the gates."""
    by_side = {
        HIGHER: exp(min(LARGEST, -peak_higher)) / shares.higher,
        LOWER: exp(min(LARGEST, -peak_lower)) / shares.lower,
    }
    direction = min(by_side, key=lambda side: (by_side[side], -side))
    return PairClaim(min(1.0, by_side[direction]), direction)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: those at most alpha stand, and all of them together err at most alpha."""
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted
