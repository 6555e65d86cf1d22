"""Reading the latest checks, their history and what the doctor reports."""

from operations.health.reports.components import (
    PAGE,
    components,
    last_round,
    latest_report,
    overall,
    unstored_report,
)

__all__ = ["PAGE", "components", "last_round", "latest_report", "overall", "unstored_report"]
