import pytest

from operations.automations import registry
from operations.automations.registry import Automation, NameTaken, Outcome, UnknownAutomation


def nothing(_occasion):
    return Outcome("Nothing to do.")


def test_an_automation_is_found_by_its_name():
    ads = Automation("ads", "Ads", nothing)
    registry.register(ads)
    assert registry.named("ads") is ads


def test_names_come_in_one_fixed_order():
    for name in ["b", "a", "c"]:
        registry.register(Automation(name, name, nothing))
    assert registry.names() == ("a", "b", "c")


def test_registering_the_same_again_changes_nothing():
    registry.register(Automation("ads", "Ads", nothing))
    registry.register(Automation("ads", "Ads", nothing))
    assert registry.names() == ("ads",)


def test_two_automations_cannot_share_a_name():
    registry.register(Automation("ads", "Ads", nothing))
    with pytest.raises(NameTaken, match="ads"):
        registry.register(Automation("ads", "Other", nothing))


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UnknownAutomation, match=r"ads.*Known: none"):
        registry.named("ads")
    registry.register(Automation("churn", "Churn", nothing))
    with pytest.raises(UnknownAutomation, match="Known: churn"):
        registry.named("ads")


def test_an_occasion_is_held_unless_someone_says_otherwise():
    assert registry.always()
