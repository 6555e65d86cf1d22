"""Trust is broken by many broken promises, and by nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from operations.decisions import calibration

VERDICTS = st.lists(st.sampled_from(calibration.MEASURED_VERDICTS), max_size=40)


def test_twelve_of_twenty_inside_keep_it_and_eleven_do_not():
    assert calibration.calibration_failure(["below"] * 8 + ["inside"] * 12) == ""
    assert calibration.calibration_failure(["below"] * 9 + ["inside"] * 11) == (
        "11 of the last 20 effects lay in the expected interval, fewer than 60%."
    )


def test_too_few_say_nothing():
    assert calibration.calibration_failure(["below"] * 19) == ""


@given(VERDICTS, VERDICTS)
def test_only_the_newest_twenty_count(newest, older):
    whole = (newest + older)[:20]
    assert calibration.calibration_failure(newest + older) == calibration.calibration_failure(whole)
