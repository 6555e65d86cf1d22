import pytest

from operations.decisions import decision_types
from operations.decisions.decision_types import DecisionType, NameTaken, UnknownKind


def nothing(*_arguments):
    return None


def test_a_kind_is_found_by_its_name():
    price = DecisionType("price", "Price", nothing, nothing, nothing)
    decision_types.register(price)
    decision_types.register(price)
    assert decision_types.named("price") is price
    assert decision_types.names() == ("price",)
    assert price.path("anything") == ""


def test_two_kinds_cannot_share_a_name():
    decision_types.register(DecisionType("price", "Price", nothing, nothing, nothing))
    with pytest.raises(NameTaken, match="price"):
        decision_types.register(DecisionType("price", "Other", nothing, nothing, nothing))


def test_an_unknown_kind_is_answered_with_the_known_ones():
    with pytest.raises(UnknownKind, match=r"budget.*Known: none"):
        decision_types.named("budget")
    decision_types.register(DecisionType("price", "Price", nothing, nothing, nothing))
    with pytest.raises(UnknownKind, match="Known: price"):
        decision_types.named("budget")
