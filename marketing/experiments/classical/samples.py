"""One arm as a sample: size, mean and variance of proportions, means, ratios and adjusted means."""

from typing import NamedTuple


class Sample(NamedTuple):
    """`variance` is that of one visitor; the mean's is `variance / n`.

    `scale` is what relative differences are divided by where it is not the mean itself.
    """

    n: int
    mean: float
    variance: float
    scale: float

    @property
    def of_mean(self) -> float:
        return self.variance / self.n


class Sums(NamedTuple):
    """Sums of one value per visitor."""

    total: float
    squares: float


class PairedSums(NamedTuple):
    """Sums of two values per visitor and of their products."""

    first: Sums
    second: Sums
    products: float


def proportion(n: int, converters: int) -> Sample | None:
    """None without visitors."""
    if n <= 0:
        return None
    rate = converters / n
    return Sample(n, rate, rate * (1 - rate), rate)


def mean(n: int, sums: Sums) -> Sample | None:
    """None with fewer than two visitors: one has no variance."""
    if n < 2:
        return None
    average = sums.total / n
    return Sample(n, average, _variance(n, sums), average)


def ratio(n: int, sums: PairedSums) -> Sample | None:
    """A sum over another, such as revenue an order; the variance by the delta method."""
    if n < 2 or not sums.second.total:
        return None
    found = sums.first.total / sums.second.total
    spread = (
        _variance(n, sums.first)
        - 2 * found * _covariance(n, sums)
        + found**2 * _variance(n, sums.second)
    )
    return Sample(n, found, spread / (sums.second.total / n) ** 2, found)


def adjusted(n_a: int, a: PairedSums, n_b: int, b: PairedSums) -> tuple[Sample, Sample] | None:
    """CUPED (Deng and others 2013): `first` is the value, `second` the covariate from before.

    Theta is that of both arms as one sample. Relative differences are of the unadjusted means.
    """
    if min(n_a, n_b) < 2:
        return None
    both = PairedSums(
        Sums(a.first.total + b.first.total, a.first.squares + b.first.squares),
        Sums(a.second.total + b.second.total, a.second.squares + b.second.squares),
        a.products + b.products,
    )
    spread = _variance(n_a + n_b, both.second)
    theta = _covariance(n_a + n_b, both) / spread if spread else 0.0
    return _adjusted(n_a, a, theta), _adjusted(n_b, b, theta)


def _adjusted(n: int, sums: PairedSums, theta: float) -> Sample:
    average = sums.first.total / n
    spread = (
        _variance(n, sums.first)
        + theta**2 * _variance(n, sums.second)
        - 2 * theta * _covariance(n, sums)
    )
    return Sample(n, average - theta * sums.second.total / n, spread, average)


def _variance(n: int, sums: Sums) -> float:
    return (sums.squares - sums.total**2 / n) / (n - 1)


def _covariance(n: int, sums: PairedSums) -> float:
    return (sums.products - sums.first.total * sums.second.total / n) / (n - 1)
