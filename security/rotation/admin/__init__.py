"""Managed keys as staff see them: registered, rotated, paused and ended; values are shown once."""

from security.rotation.admin.policies import (
    AFTER,
    WORDS,
    KeyAdmin,
    Page,
    StandingFilter,
    VersionInline,
    Whole,
    above,
    button,
    shown,
)

__all__ = [
    "AFTER",
    "WORDS",
    "KeyAdmin",
    "Page",
    "StandingFilter",
    "VersionInline",
    "Whole",
    "above",
    "button",
    "shown",
]
