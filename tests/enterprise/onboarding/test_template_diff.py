"""What a move does to each step."""

from hypothesis import given
from hypothesis import strategies as st

from enterprise.onboarding import states
from enterprise.onboarding.template_diff import CANCEL, FINISH, StepMove, StepTerms, preview

OLD = [
    StepTerms("a", 1),
    StepTerms("b", 1, {"a": 0}),
    StepTerms("c", 2, {"b": 0}),
    StepTerms("d", 1, {"c": 0}),
]
NEW = [
    StepTerms("a", 1),
    StepTerms("x", 1, {"a": 0}),
    StepTerms("b", 1, {"a": 0, "x": 0}),
    StepTerms("c", 6, {"b": 0}),
    StepTerms("e", 1, {"c": 0}),
]
PRESENT = {"a": "done", "b": "done", "c": "in_progress", "d": "pending"}


def by_name(found):
    return {each.name: each for each in found.moves}


def test_the_worked_example():
    found = preview(PRESENT, OLD, NEW, 2)
    moves = by_name(found)
    assert moves["a"] == StepMove("a", "kept", "done", "done")
    assert moves["b"].flags == ("now waits for x, which is open",)
    assert moves["x"].state_after == "ready"
    assert moves["c"] == StepMove("c", "updated", "in_progress", "in_progress")
    assert moves["d"] == StepMove("d", "removed", "pending", "skipped", ("removed by version 2",))
    assert moves["e"].state_after == "pending"
    assert found.before == (2, 4, 50.0)
    assert found.after == (2, 5, 40.0)
    assert found.undecided == ()


def test_a_running_step_that_is_removed_needs_a_choice():
    present = {**PRESENT, "d": "waiting_customer"}
    assert preview(present, OLD, NEW, 2).undecided == ("d",)
    kept = by_name(preview(present, OLD, NEW, 2, {"d": FINISH}))["d"]
    assert kept.state_after == "waiting_customer"
    gone = by_name(preview(present, OLD, NEW, 2, {"d": CANCEL}))["d"]
    assert gone.state_after == "skipped"


def test_a_ready_step_with_a_new_open_dependency_waits_again():
    present = {"a": "done", "b": "ready", "c": "pending", "d": "pending"}
    assert by_name(preview(present, OLD, NEW, 2))["b"].state_after == "pending"


def test_a_pending_step_whose_dependency_is_gone_is_ready():
    new = [StepTerms("a", 1), StepTerms("b", 1)]
    present = {"a": "ready", "b": "pending"}
    assert by_name(preview(present, OLD[:2], new, 2))["b"].state_after == "ready"


def test_a_done_step_that_is_removed_stays_in_the_log_and_leaves_the_total():
    new = [StepTerms("a", 1)]
    found = preview({"a": "ready", "b": "done"}, OLD[:2], new, 3)
    assert by_name(found)["b"].result == "logged"
    assert found.after == (0, 1, 0.0)


def test_a_running_step_with_a_new_open_dependency_is_flagged():
    new = [StepTerms("a", 1), StepTerms("x", 1), StepTerms("b", 1, {"a": 0, "x": 0})]
    found = preview({"a": "done", "b": "blocked"}, OLD[:2], new, 2)
    assert by_name(found)["b"].flags == ("now waits for x, which is open",)


names = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)


@st.composite
def versions(draw):
    chosen = draw(names)
    return [
        StepTerms(name, 1, {each: 0 for each in chosen[:place] if draw(st.booleans())})
        for place, name in enumerate(chosen)
    ]


@given(old=versions(), new=versions(), data=st.data())
def test_every_step_of_both_versions_has_one_result(old, new, data):
    present = {each.name: data.draw(st.sampled_from(states.STEP_STATES)) for each in old}
    found = preview(present, old, new, 2)
    assert sorted(each.name for each in found.moves) == sorted(
        {each.name for each in new} | set(present)
    )
    for move in found.moves:
        if move.state_before in (states.DONE, states.SKIPPED, states.REVERTED):
            is_gone = move.result == "removed" and move.state_before != states.DONE
            assert is_gone or move.state_after == move.state_before
    again = preview({each.name: each.state_after for each in found.moves}, new, new, 3)
    kept = [each for each in again.moves if each.name in {step.name for step in new}]
    assert all(each.state_before == each.state_after for each in kept)
