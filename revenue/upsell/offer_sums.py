"""Compare what offers promised with what they brought, in sums of 20; pure.

One offer brings its gain or nothing, so an interval that holds 90 of 100 single outcomes says
little. The sum of 20 offers has a distribution: its mean is that of the probabilities times the
gains, its variance that of independent answers.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

SUMMED = 20  # offers of one sum
Z = 1.6449  # of a normal distribution, for 90 %


class AnsweredOffer(NamedTuple):
    """The promised probability and gain of an offer, and whether it was accepted."""

    confidence: float
    gain: float
    is_accepted: bool


class OfferSum(NamedTuple):
    """What 20 offers were to bring, with the 90 % interval, and what they brought."""

    low: float
    estimate: float
    high: float
    realised: float

    @property
    def is_inside(self) -> bool:
        return self.low <= self.realised <= self.high


def offer_sums(offers: Sequence[AnsweredOffer]) -> list[OfferSum]:
    """The sums of each complete 20, in the order of the answers."""
    whole = len(offers) - len(offers) % SUMMED
    return [_sum(offers[first : first + SUMMED]) for first in range(0, whole, SUMMED)]


def _sum(offers: Sequence[AnsweredOffer]) -> OfferSum:
    estimate = sum(each.confidence * each.gain for each in offers)
    margin = Z * sqrt(
        sum(each.confidence * (1 - each.confidence) * each.gain**2 for each in offers)
    )
    realised = sum(each.gain for each in offers if each.is_accepted)
    return OfferSum(estimate - margin, estimate, estimate + margin, realised)
