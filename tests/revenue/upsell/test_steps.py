"""Which state may follow which."""

import pytest

from revenue.upsell.steps import AFTER, State, WrongStep, check


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("to", State)
def test_only_the_documented_steps_are_taken(state, to):
    if to in AFTER.get(state, ()):
        check("it", state.value, to)
    else:
        with pytest.raises(WrongStep, match=f"it is {state}; it cannot become {to}"):
            check("it", state.value, to)


def test_what_is_over_stays_over():
    assert not {State.DECLINED, State.EXPIRED, State.WITHDRAWN} & AFTER.keys()
