"""Values that a person changes at the target and then enters here."""

from collections.abc import Mapping
from typing import Any

from security.rotation.registry import NewSecret, RotationContext, Rotator, TargetRefused
from security.rotation.rotators.generated import allow_only


class Manual(Rotator):
    """Due keys raise an alert until a person enters the new value."""

    name = "manual"
    title = "By hand, with a reminder"
    automatic = False
    has_target = False

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config, "instructions")

    def generate(self, context: RotationContext) -> NewSecret:
        raise TargetRefused("A person must enter the new value.")

    def required_action(self) -> str:
        return "Change the value where it is used, then rotate again and enter the new value."
