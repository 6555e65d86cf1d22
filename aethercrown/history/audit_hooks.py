"""Saying what happened from where the audit cannot be imported: it registers itself here."""

from collections.abc import Callable, Mapping

Keeper = Callable[..., None]
_keepers: dict[str, Keeper] = {}


def keep(name: str, keeper: Keeper) -> None:
    """Hand what is recorded to `keeper`, security.audit.services.record; again changes nothing."""
    _keepers[name] = keeper


def record(
    *,
    stream: str,
    event: str,
    subject: str,
    actor: str = "",
    detail: Mapping[str, str | int] | None = None,
) -> None:
    """Record an event within the caller's transaction, as the audit's service does."""
    for keeper in _keepers.values():
        keeper(stream=stream, event=event, subject=subject, actor=actor, detail=detail or {})
