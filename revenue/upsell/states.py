"""The states of an opportunity and the transitions between them; pure."""

from collections.abc import Collection, Mapping
from enum import StrEnum


class OpportunityState(StrEnum):
    OPEN = "open"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


ACTIVE_STATES = (OpportunityState.OPEN, OpportunityState.OFFERED)
TRANSITIONS: Mapping[str, Collection[str]] = {
    OpportunityState.OPEN: {
        OpportunityState.OFFERED,
        OpportunityState.ACCEPTED,
        OpportunityState.DECLINED,
        OpportunityState.WITHDRAWN,
    },
    OpportunityState.OFFERED: {
        OpportunityState.OPEN,  # the offer is undone
        OpportunityState.ACCEPTED,
        OpportunityState.DECLINED,
        OpportunityState.EXPIRED,
        OpportunityState.WITHDRAWN,
    },
    OpportunityState.ACCEPTED: {OpportunityState.OFFERED},  # the acceptance is undone
}
