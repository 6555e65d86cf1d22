"""What rows with spend and no known revenue do to a plan: warnings, evidence, no automation."""

from collections.abc import Iterator

import numpy as np

from aethercrown.formatting import counted, money_text, percent_text
from marketing.budget.model.history import SpendHistory
from marketing.budget.model.response_curves import Floats
from marketing.budget.planner.proposal import Grade

MAX_UNKNOWN_SHARE = 0.1  # of a channel's rows or of its spend, for more than low evidence


def lowered(grades: tuple[Grade, ...], history: SpendHistory) -> tuple[Grade, ...]:
    """The grades, at most medium where a revenue is unknown, low where many are."""
    found: list[Grade] = []
    for grade, share in zip(grades, unknown_share(history), strict=True):
        if share > MAX_UNKNOWN_SHARE:
            found.append("low")
        else:
            found.append("medium" if share and grade == "high" else grade)
    return tuple(found)


def unknown_share(history: SpendHistory) -> Floats:
    """The unknown part (C,) of each channel's rows or of its spend, whichever is larger."""
    unknown = history.unknown
    rows = unknown.sum(axis=1) / np.maximum(history.funded.sum(axis=1), 1)
    money = np.where(unknown, history.spend, 0.0).sum(axis=1)
    total = history.spend.sum(axis=1)
    return np.asarray(np.maximum(rows, money / np.where(total > 0, total, 1.0)))


def warnings(history: SpendHistory, roi: Floats, currency: str) -> Iterator[str]:
    """For each channel how much is unknown, and its ROI if that were 0; `roi` (C,) in percent."""
    unknown, known = history.unknown, np.any(history.usable, axis=1).tolist()
    rows = history.funded.sum(axis=1)
    for at in np.flatnonzero(unknown.any(axis=1)).tolist():
        total = history.spend[at].sum()
        zero = 100 * (np.nansum(history.revenue[at]) / total - 1)
        now = f"is {percent_text(roi[at])} without them" if known[at] else "is not known"
        missing = money_text(history.spend[at][unknown[at]].sum(), currency)
        yield (
            f"Revenue is unknown in {unknown[at].sum()} of {counted(int(rows[at]), 'row')} "
            f"of {history.channels[at]}, which spent {missing} of "
            f"{money_text(total, currency)}: its ROI {now}, and {percent_text(zero)} if they "
            "earned nothing."
        )


def reasons_against(history: SpendHistory) -> tuple[str, ...]:
    """Why no plan of these rows is applied automatically; empty if every revenue is known."""
    unknown = np.any(history.unknown, axis=1).tolist()
    names = [name for name, some in zip(history.channels, unknown, strict=True) if some]
    return (f"Revenue is unknown in rows of {', '.join(names)}.",) if names else ()
