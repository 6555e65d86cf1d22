"""Trust is broken by many broken promises, and by nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from operations.decisions import calibration

VERDICTS = st.lists(st.sampled_from(calibration.KNOWN), max_size=40)


def test_twelve_of_twenty_inside_keep_it_and_eleven_do_not():
    assert calibration.broken(["below"] * 8 + ["inside"] * 12) == ""
    assert calibration.broken(["below"] * 9 + ["inside"] * 11) == (
        "11 of the last 20 effects lay in the promised interval, fewer than 60%."
    )


def test_too_few_say_nothing():
    assert calibration.broken(["below"] * 19) == ""


@given(VERDICTS, VERDICTS)
def test_only_the_newest_twenty_count(newest, older):
    whole = (newest + older)[:20]
    assert calibration.broken(newest + older) == calibration.broken(whole)
