"""Fields of the pages' own forms; pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormField:
    """A field with its label, value and problem; with choices it is a list to choose from."""

    name: str
    label: str
    value: str
    problem: str = ""
    choices: Sequence[tuple[str, str]] = ()
    kind: str = "text"  # of the input

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")
