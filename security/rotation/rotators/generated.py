"""Random values that live here: whoever needs one reads it from the answer, or asks for it."""

from collections.abc import Mapping
from typing import Any

from security.rotation.registry import InvalidConfig, Rotator


class Generated(Rotator):
    """32 random bytes as 43 URL-safe characters; nothing is set outside."""

    name = "generated"
    title = "Random value"
    outside = False

    def check(self, config: Mapping[str, Any]) -> None:
        only(config)

    def next_step(self) -> str:
        return "Hand the new value to whoever uses this key, before the old one ends."


def only(config: Mapping[str, Any], *names: str) -> None:
    """Refuse what the rotator would not look at: a misspelt name must not pass in silence."""
    unknown = sorted(set(config) - {*names, "allow_downtime"})
    if unknown:
        known = ", ".join(names) or "nothing"
        raise InvalidConfig(f"config.{unknown[0]}", f"is not known here; known: {known}.")


def text(config: Mapping[str, Any], name: str, *, default: str | None = None) -> str:
    """A text of the configuration; BadConfig where it is missing or none."""
    value = config.get(name, default)
    if not isinstance(value, str) or not value:
        raise InvalidConfig(f"config.{name}", "must be a text that is not empty.")
    return value
