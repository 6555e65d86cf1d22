"""Values that a person changes where they are used, and then brings here."""

from collections.abc import Mapping
from typing import Any

from security.rotation.registry import NewSecret, RotationContext, Rotator, TargetRefused
from security.rotation.rotators.generated import only


class Manual(Rotator):
    """A reminder: due keys raise an alert until somebody brings the new value."""

    name = "manual"
    title = "By hand, with a reminder"
    automatic = False
    outside = False

    def check(self, config: Mapping[str, Any]) -> None:
        only(config, "instructions")

    def generate(self, held: RotationContext) -> NewSecret:
        raise TargetRefused("A person must bring the new value.")

    def next_step(self) -> str:
        return "Change the value where it is used, then rotate again and bring the new value."
