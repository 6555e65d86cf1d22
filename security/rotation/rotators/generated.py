"""Random values without a target, and checks of rotator configurations."""

from collections.abc import Mapping
from typing import Any

from security.rotation.registry import InvalidConfig, Rotator


class Generated(Rotator):
    """32 random bytes as 43 URL-safe characters."""

    name = "generated"
    title = "Random value"
    has_target = False

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config)

    def required_action(self) -> str:
        return "Give the new value to the users of this key before the old one ends."


def allow_only(config: Mapping[str, Any], *names: str) -> None:
    """Raise InvalidConfig for an unknown name, such as a misspelt one."""
    unknown = sorted(set(config) - {*names, "allow_downtime"})
    if unknown:
        known = ", ".join(names) or "nothing"
        raise InvalidConfig(f"config.{unknown[0]}", f"is not known here; known: {known}.")


def text(config: Mapping[str, Any], name: str) -> str:
    """A text of the configuration. Raises InvalidConfig if it is missing, empty or no text."""
    value = config.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidConfig(f"config.{name}", "must be a text that is not empty.")
    return value
