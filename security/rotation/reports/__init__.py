"""Managed keys for people: which are due, overdue and failing."""

from security.rotation.reports.status import (
    all_terms,
    current,
    due,
    glance,
    is_left_over,
    is_silent,
    key_info,
    keys,
    paused_because,
    report,
    terms,
    working,
)

__all__ = [
    "all_terms",
    "current",
    "due",
    "glance",
    "is_left_over",
    "is_silent",
    "key_info",
    "keys",
    "paused_because",
    "report",
    "terms",
    "working",
]
