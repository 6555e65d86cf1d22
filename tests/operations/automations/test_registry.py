import pytest

from operations.automations import registry
from operations.automations.registry import AutomationSpec, NameTaken, RunOutcome, UnknownAutomation


def nothing(_occasion):
    return RunOutcome("Nothing to do.")


def test_an_automation_is_found_by_its_name():
    ads = AutomationSpec("ads", "Ads", nothing)
    registry.register(ads)
    assert registry.named("ads") is ads


def test_names_come_in_one_fixed_order():
    for name in ["b", "a", "c"]:
        registry.register(AutomationSpec(name, name, nothing))
    assert registry.names() == ("a", "b", "c")


def test_registering_the_same_again_changes_nothing():
    registry.register(AutomationSpec("ads", "Ads", nothing))
    registry.register(AutomationSpec("ads", "Ads", nothing))
    assert registry.names() == ("ads",)


def test_two_automations_cannot_share_a_name():
    registry.register(AutomationSpec("ads", "Ads", nothing))
    with pytest.raises(NameTaken, match="ads"):
        registry.register(AutomationSpec("ads", "Other", nothing))


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UnknownAutomation, match=r"ads.*Known: none"):
        registry.named("ads")
    registry.register(AutomationSpec("churn", "Churn", nothing))
    with pytest.raises(UnknownAutomation, match="Known: churn"):
        registry.named("ads")


def test_an_occasion_is_held_unless_someone_says_otherwise():
    assert registry.always()
