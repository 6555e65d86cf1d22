import pytest

from aethercrown.transitions import InvalidTransition, check_transition
from operations.decisions.models import Decision
from operations.decisions.states import TRANSITIONS

ALLOWED = {
    ("proposed", "approved"),
    ("proposed", "rejected"),
    ("approved", "applied"),
    ("approved", "rejected"),
    ("applied", "measured"),
    ("applied", "rolled_back"),
    ("measured", "rolled_back"),
}


@pytest.mark.parametrize("status", Decision.Status.values)
@pytest.mark.parametrize("wanted", Decision.Status.values)
def test_each_step_is_allowed_or_refused_as_the_table_says(status, wanted):
    if (status, wanted) in ALLOWED:
        check_transition("Hall", status, wanted, TRANSITIONS)
    else:
        with pytest.raises(InvalidTransition):
            check_transition("Hall", status, wanted, TRANSITIONS)


def test_a_refusal_says_what_is_and_what_was_wanted():
    with pytest.raises(InvalidTransition, match="Hall is rolled back; it cannot become applied"):
        check_transition("Hall", "rolled_back", "applied", TRANSITIONS)
