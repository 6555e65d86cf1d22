"""Money: Decimal amounts beside an ISO 4217 currency, and shares that add up to the whole."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

Key = TypeVar("Key")

# ISO 4217 minor units other than two (list one of the standard's maintenance agency).
_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENTS = dict.fromkeys(_ZERO.split(), 0) | dict.fromkeys(_THREE.split(), 3)


def exponent(currency: str) -> int:
    """Digits after the decimal point in `currency`: 2 unless ISO 4217 says otherwise."""
    return _EXPONENTS.get(currency, 2)


def share_out(total: Decimal, weights: Mapping[Key, float], digits: int = 2) -> dict[Key, Decimal]:
    """Divide `total` by `weights` to `digits` decimals; the shares always add up to it.

    Largest remainder (Hamilton's method): each share is rounded down, and the units left over
    go to those that lost most. Weights that are all zero share equally.
    """
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1.0)
    whole = sum(weights.values())

    units = int(total.scaleb(digits))
    exact = {key: units * weight / whole for key, weight in weights.items()}
    shares = {key: int(share) for key, share in exact.items()}
    left_over = units - sum(shares.values())
    for key in sorted(exact, key=lambda key: shares[key] - exact[key])[:left_over]:
        shares[key] += 1
    return {key: Decimal(share).scaleb(-digits) for key, share in shares.items()}
