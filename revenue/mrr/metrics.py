"""Churn and growth of one span, from its bridge: percent, None where undefined; pure.

They use the bridge's sums, so a customer with two movements in the span counts with both.
"""

from decimal import Decimal

from revenue.mrr.bridge import Bridge
from revenue.mrr.movements import MovementKind

MONTHS_A_YEAR = 12


def arr(mrr: Decimal) -> Decimal:
    """Annual recurring revenue: twelve times the monthly."""
    return MONTHS_A_YEAR * mrr


def gross_churn(one: Bridge) -> float | None:
    """(churn + contraction) / opening."""
    return percent(one.lost, one.opening)


def net_churn(one: Bridge) -> float | None:
    """(churn + contraction - expansion - reactivation) / opening; negative for net growth."""
    return percent(one.lost - one.won, one.opening)


def growth(one: Bridge) -> float | None:
    """(closing - opening) / opening."""
    return percent(one.closing - one.opening, one.opening)


def quick_ratio(one: Bridge) -> float | None:
    """(new + expansion + reactivation) / (contraction + churn); None where nothing was lost."""
    won = one.amount(MovementKind.NEW) + one.won
    return round(float(won / one.lost), 2) if one.lost > 0 else None


def arpa(one: Bridge) -> Decimal | None:
    """MRR for each paying customer at the end."""
    return one.closing / one.payers_closing if one.payers_closing > 0 else None


def percent(part: Decimal, whole: Decimal) -> float | None:
    """To one decimal; None where the whole is not above zero."""
    return round(float(100 * part / whole), 1) if whole > 0 else None
