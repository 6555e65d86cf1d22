"""The states of an opportunity, and which may follow which; pure."""

from enum import StrEnum


class State(StrEnum):
    OPEN = "open"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


ALIVE = (State.OPEN, State.OFFERED)
AFTER = {
    State.OPEN: {State.OFFERED, State.ACCEPTED, State.DECLINED, State.WITHDRAWN},
    State.OFFERED: {
        State.OPEN,  # an offer taken back
        State.ACCEPTED,
        State.DECLINED,
        State.EXPIRED,
        State.WITHDRAWN,
    },
    State.ACCEPTED: {State.OFFERED},  # an acceptance rolled back
}


class WrongStep(Exception):
    """The opportunity's state forbids it; the API answers 409."""


def check(what: str, state: str, to: State) -> None:
    """Raise WrongStep unless `to` may follow `state`."""
    if to not in AFTER.get(State(state), set()):
        raise WrongStep(f"{what} is {state}; it cannot become {to}.")
