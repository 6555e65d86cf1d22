"""Severities of alerts."""

INFO = "info"
WARNING = "warning"
HIGH = "high"
CRITICAL = "critical"
LEVELS = (INFO, WARNING, HIGH, CRITICAL)  # the most severe last


def rank(severity: str) -> int:
    """The position among LEVELS. Raises ValueError for another word."""
    if severity not in LEVELS:
        raise ValueError(f"{severity!r} is not a severity. Known: {', '.join(LEVELS)}.")
    return LEVELS.index(severity)


def up_to(severity: str) -> tuple[str, ...]:
    """The level and those below it."""
    return LEVELS[: rank(severity) + 1]
