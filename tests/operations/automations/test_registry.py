import pytest

from aethercrown.registry import DuplicateName, UnknownName
from operations.automations.registry import (
    AutomationSpec,
    RunContext,
    RunOutcome,
    automation_registry,
)
from tests.operations.conftest import NOON


def nothing(_context):
    return RunOutcome("Nothing to do.")


def test_an_automation_is_found_by_its_name():
    ads = AutomationSpec("ads", "Ads", nothing)
    automation_registry.register(ads)
    assert automation_registry.get("ads") is ads


def test_names_come_in_one_fixed_order():
    for name in ["b", "a", "c"]:
        automation_registry.register(AutomationSpec(name, name, nothing))
    assert automation_registry.names() == ("a", "b", "c")


def test_registering_the_same_again_changes_nothing():
    automation_registry.register(AutomationSpec("ads", "Ads", nothing))
    automation_registry.register(AutomationSpec("ads", "Ads", nothing))
    assert automation_registry.names() == ("ads",)


def test_two_automations_cannot_share_a_name():
    automation_registry.register(AutomationSpec("ads", "Ads", nothing))
    with pytest.raises(DuplicateName, match="ads"):
        automation_registry.register(AutomationSpec("ads", "Other", nothing))


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UnknownName, match=r"ads.*Known: none"):
        automation_registry.get("ads")
    automation_registry.register(AutomationSpec("churn", "Churn", nothing))
    with pytest.raises(UnknownName, match="Known: churn"):
        automation_registry.get("ads")


def test_a_run_may_continue_by_default():
    assert RunContext("ads", None, NOON, NOON, "propose", dry_run=True).may_continue()
