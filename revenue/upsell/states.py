"""The states of an opportunity and the steps between them; pure.

People and API calls take the steps forward. The edges back are taken by the rollback of a
decision alone, which checks the state itself: an accepted opportunity is not offered again.
"""

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
STEPS: Mapping[str, Collection[str]] = {
    OpportunityState.OPEN: {
        OpportunityState.OFFERED,
        OpportunityState.ACCEPTED,
        OpportunityState.DECLINED,
        OpportunityState.WITHDRAWN,
    },
    OpportunityState.OFFERED: {
        OpportunityState.ACCEPTED,
        OpportunityState.DECLINED,
        OpportunityState.EXPIRED,
        OpportunityState.WITHDRAWN,
    },
}
