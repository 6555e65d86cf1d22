"""Which step may follow which in the life of a decision."""

from datetime import timedelta

PROPOSAL_LIFETIME = timedelta(days=14)  # a proposal that nobody decides expires after it
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
    REJECTED: frozenset[str](),
    ROLLED_BACK: frozenset[str](),
}


class WrongStep(Exception):
    """The decision's status forbids this step; the API answers 409."""


def check(decision: str, status: str, wanted: str) -> None:
    """Refuse a step that may not follow; `decision` names it in the error."""
    if wanted not in TRANSITIONS[status]:
        raise WrongStep(f"{decision} is {spoken(status)}; it cannot become {spoken(wanted)}.")


def spoken(status: str) -> str:
    return status.replace("_", " ")
