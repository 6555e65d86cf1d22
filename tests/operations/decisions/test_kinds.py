import pytest

from operations.decisions import kinds
from operations.decisions.kinds import Kind, NameTaken, UnknownKind


def nothing(*_arguments):
    return None


def test_a_kind_is_found_by_its_name():
    price = Kind("price", "Price", nothing, nothing, nothing)
    kinds.register(price)
    kinds.register(price)
    assert kinds.named("price") is price
    assert kinds.names() == ("price",)
    assert price.path("anything") == ""


def test_two_kinds_cannot_share_a_name():
    kinds.register(Kind("price", "Price", nothing, nothing, nothing))
    with pytest.raises(NameTaken, match="price"):
        kinds.register(Kind("price", "Other", nothing, nothing, nothing))


def test_an_unknown_kind_is_answered_with_the_known_ones():
    with pytest.raises(UnknownKind, match=r"budget.*Known: none"):
        kinds.named("budget")
    kinds.register(Kind("price", "Price", nothing, nothing, nothing))
    with pytest.raises(UnknownKind, match="Known: price"):
        kinds.named("budget")
