"""The stream, event name and subject under which a row of history is recorded. Pure."""

HISTORY = "history:"
ACTS = {"+": "history.created", "~": "history.changed", "-": "history.deleted"}


def stream(table: str) -> str:
    """The stream of a tracked table, such as history:operations.automation."""
    return f"{HISTORY}{table}"


def subject(table: str, key: object) -> str:
    """What a row of history is about: the tracked row."""
    return f"{table}:{key}"
