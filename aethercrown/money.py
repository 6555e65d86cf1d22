"""The number of decimals of each currency (ISO 4217)."""

# ISO 4217 minor units other than two (list one of the standard's maintenance agency).
_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENTS = dict.fromkeys(_ZERO.split(), 0) | dict.fromkeys(_THREE.split(), 3)


def exponent(currency: str) -> int:
    """Digits after the decimal point in `currency`: 2 unless ISO 4217 says otherwise."""
    return _EXPONENTS.get(currency, 2)
