"""Rows of history as the chain sees them: which stream tells of them, and under which name."""

HISTORY = "history:"
ACTS = {"+": "history.created", "~": "history.changed", "-": "history.deleted"}


def stream(table: str) -> str:
    """The stream of a tracked table, such as history:operations.automation."""
    return f"{HISTORY}{table}"


def subject(table: str, key: object) -> str:
    """What a row of history is about: the tracked row."""
    return f"{table}:{key}"
