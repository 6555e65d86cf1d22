"""Sequential test of the sample ratio by a Dirichlet mixture (Lindon and Malek 2022)."""

from collections.abc import Iterable, Sequence
from math import exp, lgamma, log

CONCENTRATION = 10_000.0


def log_dirichlet_e_value(
    counts: Sequence[int], shares: Sequence[float], concentration: float = CONCENTRATION
) -> float:
    """Log e-value of cumulative counts against these shares."""
    n = sum(counts)
    total = lgamma(concentration) - lgamma(concentration + n)
    for count, share in zip(counts, shares, strict=True):
        prior = concentration * share
        total += lgamma(prior + count) - lgamma(prior) - count * log(share)
    return total


def smallest_p_values(batches: Iterable[Sequence[int]], shares: Sequence[float]) -> list[float]:
    """After each batch, the smallest p-value so far."""
    cumulative = [0] * len(shares)
    smallest, found = 1.0, []
    for batch in batches:
        cumulative = [kept + new for kept, new in zip(cumulative, batch, strict=True)]
        log_e = log_dirichlet_e_value(cumulative, shares)
        smallest = min(smallest, exp(-max(log_e, 0.0)))
        found.append(smallest)
    return found
