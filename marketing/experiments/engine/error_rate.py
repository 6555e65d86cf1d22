"""The weekly self-test: how often equal arms were called different."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WrongClaimRate:
    """Wrong claims among tests of equal arms, with the exact 95 % interval of their rate."""

    wrong: int
    tests: int
    low: float
    high: float

    @property
    def rate(self) -> float | None:
        return self.wrong / self.tests if self.tests else None

    def is_broken(self, confidence: float) -> bool:
        """Whether more are wrong than the confidence allows, beyond chance."""
        return self.low > 1 - confidence


def wrong_claim_rate(wrong: int, tests: int) -> WrongClaimRate:
    """The interval of Clopper and Pearson (1934)."""
    return WrongClaimRate(wrong, tests, *clopper_pearson(wrong, tests))


def clopper_pearson(found: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share; 0 to 1 where nothing was tried."""
    from scipy.special import betaincinv  # noqa: PLC0415 - slow to import

    tail = (1 - confidence) / 2
    low = float(betaincinv(found, of - found + 1, tail)) if found else 0.0
    high = float(betaincinv(found + 1, of - found, 1 - tail)) if found < of else 1.0
    return low, high
