from operations.scheduling.wait_reason import behind, blocked, list_names, no_worker


def test_reasons_are_short_sentences():
    assert blocked(["a", "b"]) == "blocked by a, b"
    assert no_worker("gpu") == "no worker in its pool (gpu)"
    assert behind(3) == "behind 3"


def test_at_most_five_names_are_listed():
    assert list_names(list("abcde")) == "a, b, c, d, e"
    assert list_names(list("abcdefg")) == "a, b, c, d, e, 2 more"
