"""Values without a target: random, or entered by a person; and checks of configurations."""

from collections.abc import Mapping
from typing import Any

from security.rotation.registry import (
    InvalidConfig,
    NewSecret,
    RotationContext,
    Rotator,
    TargetRefused,
)


class Generated(Rotator):
    """32 random bytes as 43 URL-safe characters."""

    name = "generated"
    title = "Random value"
    has_target = False
    required_action = "Give the new value to the users of this key before the old one ends."

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config)


class Manual(Rotator):
    """Values that a person changes and then enters here; until then a due key raises an alert."""

    name = "manual"
    title = "By hand, with a reminder"
    automatic = False
    has_target = False
    required_action = (
        "Change the value where it is used, then rotate again and enter the new value."
    )

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config, "instructions")

    def generate(self, context: RotationContext) -> NewSecret:
        raise TargetRefused("A person must enter the new value.")


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
