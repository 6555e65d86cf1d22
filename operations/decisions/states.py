"""The states of a decision, and which may follow which. Pure."""

from datetime import timedelta

PROPOSAL_LIFETIME = timedelta(days=14)
PROPOSED = "proposed"
APPROVED = "approved"
REJECTED = "rejected"
APPLIED = "applied"
MEASURED = "measured"
ROLLED_BACK = "rolled_back"

TRANSITIONS = {
    PROPOSED: frozenset({APPROVED, REJECTED}),
    APPROVED: frozenset({APPLIED, REJECTED}),
    APPLIED: frozenset({MEASURED, ROLLED_BACK}),
    MEASURED: frozenset({ROLLED_BACK}),
}
