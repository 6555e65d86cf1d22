"""Record audit events from modules that cannot import the audit, which registers itself here."""

from collections.abc import Callable, Mapping

Keeper = Callable[..., None]
_keepers: dict[str, Keeper] = {}


def keep(name: str, keeper: Keeper) -> None:
    """Register the function that stores events; registering it again changes nothing."""
    _keepers[name] = keeper


def record(
    *,
    stream: str,
    event: str,
    subject: str,
    actor: str = "",
    detail: Mapping[str, str | int] | None = None,
) -> None:
    """Record an event in the caller's transaction."""
    for keeper in _keepers.values():
        keeper(stream=stream, event=event, subject=subject, actor=actor, detail=detail or {})
