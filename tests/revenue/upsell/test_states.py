"""Which state may follow which."""

import pytest

from revenue.upsell.states import TRANSITIONS, OpportunityState, WrongStep, check


@pytest.mark.parametrize("state", OpportunityState)
@pytest.mark.parametrize("to", OpportunityState)
def test_only_the_documented_steps_are_taken(state, to):
    if to in TRANSITIONS.get(state, ()):
        check("it", state.value, to)
    else:
        with pytest.raises(WrongStep, match=f"it is {state}; it cannot become {to}"):
            check("it", state.value, to)


def test_what_is_over_stays_over():
    assert (
        not {OpportunityState.DECLINED, OpportunityState.EXPIRED, OpportunityState.WITHDRAWN}
        & TRANSITIONS.keys()
    )
