"""Which state of an opportunity may follow which."""

import pytest

from aethercrown.transitions import InvalidTransition, check_transition
from revenue.upsell.states import STEPS, OpportunityState

ALLOWED = {
    ("open", "offered"),
    ("open", "accepted"),
    ("open", "declined"),
    ("open", "withdrawn"),
    ("offered", "accepted"),
    ("offered", "declined"),
    ("offered", "expired"),
    ("offered", "withdrawn"),
}


def test_the_states_are_those_of_the_documentation():
    names = {"open", "offered", "accepted", "declined", "expired", "withdrawn"}
    assert {each.value for each in OpportunityState} == names


@pytest.mark.parametrize(
    "state", ["open", "offered", "accepted", "declined", "expired", "withdrawn"]
)
@pytest.mark.parametrize("target", OpportunityState)
def test_only_the_allowed_transitions_are_accepted(state, target):
    if (state, target.value) in ALLOWED:
        check_transition("it", state, target, STEPS)
    else:
        with pytest.raises(InvalidTransition, match=f"it is {state}; it cannot become {target}"):
            check_transition("it", state, target, STEPS)
