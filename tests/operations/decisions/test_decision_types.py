import pytest

from aethercrown.registry import DuplicateName, UnknownName
from operations.decisions.decision_types import (
    DecisionType,
    decision_type_registry,
)


def nothing(*_arguments):
    return None


def test_a_type_is_found_by_its_name():
    price = DecisionType("price", "Price", nothing, nothing, nothing)
    decision_type_registry.register(price)
    decision_type_registry.register(price)
    assert decision_type_registry.get("price") is price
    assert decision_type_registry.names() == ("price",)
    assert price.path("anything") == ""


def test_two_types_cannot_share_a_name():
    decision_type_registry.register(DecisionType("price", "Price", nothing, nothing, nothing))
    with pytest.raises(DuplicateName, match="price"):
        decision_type_registry.register(DecisionType("price", "Other", nothing, nothing, nothing))


def test_an_unknown_type_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match=r"budget.*Known: none"):
        decision_type_registry.get("budget")
    decision_type_registry.register(DecisionType("price", "Price", nothing, nothing, nothing))
    with pytest.raises(UnknownName, match="Known: price"):
        decision_type_registry.get("budget")
