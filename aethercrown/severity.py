"""How grave an alert is, from a note to what must be seen at once."""

INFO = "info"
WARNING = "warning"
HIGH = "high"
CRITICAL = "critical"
LEVELS = (INFO, WARNING, HIGH, CRITICAL)  # the gravest last


def rank(severity: str) -> int:
    """Its place among the levels; ValueError for a word that is none of them."""
    if severity not in LEVELS:
        raise ValueError(f"{severity!r} is no severity. There are {', '.join(LEVELS)}.")
    return LEVELS.index(severity)


def up_to(severity: str) -> tuple[str, ...]:
    """The level itself and every lesser one."""
    return LEVELS[: rank(severity) + 1]
