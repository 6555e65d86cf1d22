"""Expected and realised effects as people read them, in their own unit. Pure."""

from collections.abc import Mapping
from typing import Any

from aethercrown.currencies import CODES
from aethercrown.formatting import PERCENT, Unit, money, signed

PERCENTS = {"%", "percent"}


def effect_unit(name: str) -> Unit:
    """The unit of a stored effect: percent, a currency, or a word such as days."""
    if name in PERCENTS:
        return PERCENT
    if name in CODES:
        return money(name)
    return Unit(suffix=f"\u00a0{name}" if name else "", digits=1, trims=True)


def unit_name(expected: Mapping[str, Any]) -> str:
    """What an effect counts: its unit; where it has none, its metric, such as events stored."""
    return str(expected["unit"] or expected.get("metric", ""))


def expected_text(expected: Mapping[str, Any], *, level: str = "") -> str:
    """An expected effect: +6.4% (+1.2% to +11.9%); with `level`, such as 90%, in the brackets."""
    unit = effect_unit(unit_name(expected))
    low, high = signed(expected["low"], unit), signed(expected["high"], unit)
    within = f"{level}: " if level else ""
    return f"{signed(expected['estimate'], unit)} ({within}{low} to {high})"


def realised_text(realised: Mapping[str, Any] | None, expected: Mapping[str, Any]) -> str:
    """A realised effect, with its interval if it has one; "" if not measured."""
    if not realised:
        return ""
    unit = effect_unit(unit_name(expected))
    value = signed(realised["value"], unit)
    if realised["low"] is None or realised["high"] is None:
        return value
    return f"{value} ({signed(realised['low'], unit)} to {signed(realised['high'], unit)})"
