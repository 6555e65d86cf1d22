"""Which state may follow which: one check and one error for every state machine. Pure."""

from collections.abc import Collection, Mapping


class InvalidTransition(Exception):
    """The present state forbids the step; the API answers 409."""


def check_transition(
    subject: str, state: str, target: str, allowed: Mapping[str, Collection[str]]
) -> None:
    """Raise InvalidTransition unless `allowed[state]` holds `target`; `subject` is named in it.

    A state that `allowed` does not list is final.
    """
    if target not in allowed.get(state, ()):
        raise InvalidTransition(
            f"{subject} is {in_words(state)}; it cannot become {in_words(target)}."
        )


def in_words(state: str) -> str:
    """A state as people read it: rolled_back becomes "rolled back"."""
    return str(state).replace("_", " ")
