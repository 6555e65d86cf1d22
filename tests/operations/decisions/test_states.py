import pytest

from operations.decisions.states import TRANSITIONS, WrongStep, check

ALLOWED = {
    ("proposed", "approved"),
    ("proposed", "rejected"),
    ("approved", "applied"),
    ("approved", "rejected"),
    ("applied", "measured"),
    ("applied", "rolled_back"),
    ("measured", "rolled_back"),
}


@pytest.mark.parametrize("status", TRANSITIONS)
@pytest.mark.parametrize("wanted", TRANSITIONS)
def test_each_step_is_allowed_or_refused_as_the_table_says(status, wanted):
    if (status, wanted) in ALLOWED:
        check("Hall", status, wanted)
    else:
        with pytest.raises(WrongStep):
            check("Hall", status, wanted)


def test_a_refusal_says_what_is_and_what_was_wanted():
    with pytest.raises(WrongStep, match="Hall is rolled back; it cannot become applied"):
        check("Hall", "rolled_back", "applied")
