"""The states of an opportunity, and which may follow which; pure."""

from enum import StrEnum


class OpportunityState(StrEnum):
    OPEN = "open"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


ACTIVE_STATES = (OpportunityState.OPEN, OpportunityState.OFFERED)
TRANSITIONS = {
    OpportunityState.OPEN: {
        OpportunityState.OFFERED,
        OpportunityState.ACCEPTED,
        OpportunityState.DECLINED,
        OpportunityState.WITHDRAWN,
    },
    OpportunityState.OFFERED: {
        OpportunityState.OPEN,  # an offer taken back
        OpportunityState.ACCEPTED,
        OpportunityState.DECLINED,
        OpportunityState.EXPIRED,
        OpportunityState.WITHDRAWN,
    },
    OpportunityState.ACCEPTED: {OpportunityState.OFFERED},  # an acceptance rolled back
}


class WrongStep(Exception):
    """The opportunity's state forbids it; the API answers 409."""


def check(what: str, state: str, to: OpportunityState) -> None:
    """Raise WrongStep unless `to` may follow `state`."""
    if to not in TRANSITIONS.get(OpportunityState(state), set()):
        raise WrongStep(f"{what} is {state}; it cannot become {to}.")
