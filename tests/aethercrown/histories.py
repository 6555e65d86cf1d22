"""The history of a tracked table or row, which its library adds while the models are loaded."""

from typing import Any


def history_of(tracked: Any) -> Any:
    """Models of Django itself, such as Group, have it too, but no stub of theirs says so."""
    return tracked.history
