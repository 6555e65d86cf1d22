"""Four levels, in order."""

import pytest

from aethercrown import severity


def test_levels_are_ordered():
    assert [severity.rank(each) for each in severity.LEVELS] == [0, 1, 2, 3]
    assert severity.up_to("warning") == ("info", "warning")
    assert severity.up_to("critical") == severity.LEVELS


def test_a_word_that_is_none_of_them_is_refused():
    with pytest.raises(ValueError, match="'loud' is not a severity"):
        severity.rank("loud")
