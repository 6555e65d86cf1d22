"""How everything stands now, from the latest look at each."""

from operations.health.reports.components import (
    PAGE,
    components,
    framed,
    last_round,
    overall,
    report,
    rounded,
    unstored,
)

__all__ = [
    "PAGE",
    "components",
    "framed",
    "last_round",
    "overall",
    "report",
    "rounded",
    "unstored",
]
