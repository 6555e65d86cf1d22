"""The rules of versions, and a machine of a key's whole life on a pure model."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aethercrown.transitions import InvalidTransition, check_transition
from security.rotation import schedule
from security.rotation.services.steps import ALLOWED
from tests.security.rotation.invariants import (
    CURRENT,
    PENDING,
    RETIRING,
    VersionState,
    violations,
)


@pytest.mark.parametrize("over", ["retired", "revoked", "failed", "compromised"])
@pytest.mark.parametrize("wanted", sorted(ALLOWED))
def test_a_final_state_is_never_left(over, wanted):
    with pytest.raises(InvalidTransition, match=f"db v1 is {over}; it cannot become {wanted}"):
        check_transition("db v1", over, wanted, ALLOWED)


def test_only_a_pending_value_becomes_current():
    may = {state for state, after in ALLOWED.items() if CURRENT in after}
    assert may == {PENDING}
    check_transition("db v2", PENDING, CURRENT, ALLOWED)


@pytest.mark.parametrize(
    ("state", "rows", "words"),
    [
        ("active", [], "0 versions are current"),
        ("paused", [VersionState(1, RETIRING)], "0 versions are current"),
        ("active", [VersionState(1, CURRENT), VersionState(2, CURRENT)], "current: [1, 2]"),
        (
            "active",
            [
                VersionState(1, CURRENT),
                VersionState(2, PENDING),
                VersionState(3, PENDING),
            ],
            "pending: [2, 3]",
        ),
        (
            "active",
            [
                VersionState(1, RETIRING),
                VersionState(2, RETIRING),
                VersionState(3, CURRENT),
            ],
            "2 versions are retiring",
        ),
        (
            "active",
            [
                VersionState(1, CURRENT),
                VersionState(1, "failed", has_value=False, is_destroyed=True),
            ],
            "repeat: [1, 1]",
        ),
        (
            "active",
            [VersionState(1, CURRENT, is_destroyed=True)],
            "version 1 is destroyed and holds a value",
        ),
    ],
)
def test_each_violation_is_named(state, rows, words):
    assert words in "; ".join(violations(state, rows))


def test_a_valid_key_has_no_violations():
    rows = [
        VersionState(1, "retired", has_value=False, is_destroyed=True),
        VersionState(2, RETIRING),
        VersionState(3, CURRENT),
    ]
    assert violations("active", rows) == []
    assert (
        violations("revoked", [VersionState(1, "revoked", has_value=False, is_destroyed=True)])
        == []
    )


class Life(RuleBasedStateMachine):
    """A key with its outside: rotations that crash, fail, retire, leak and end, in any order.

    The model does what the steps do, each as one commit; a crash may come between any two. What
    must hold: the current value works outside, whenever anybody looks.
    """

    def __init__(self):
        super().__init__()
        self.key = "active"
        self.states = {1: CURRENT}
        self.outside = {1}
        self.tries = {1: 0}
        self.now = 0
        self.ends = {}

    def at(self, state):
        return [number for number, each in self.states.items() if each == state]

    def move(self, number, state):
        check_transition(f"v{number}", self.states[number], state, ALLOWED)
        self.states[number] = state

    @property
    def pending(self):
        return next(iter(self.at(PENDING)), None)

    @precondition(lambda self: self.key == "active" and self.pending is None)
    @rule()
    def create(self):
        for old in self.at(RETIRING):  # make room first
            self.outside.discard(old)
            self.move(old, "retired")
        number = max(self.states) + 1
        self.states[number], self.tries[number] = PENDING, 0

    @precondition(lambda self: self.pending is not None)
    @rule(reached=st.booleans())
    def put(self, reached):
        """With or without an answer, the value may be outside."""
        if reached:
            self.outside.add(self.pending)

    @precondition(lambda self: self.pending is not None)
    @rule(grace=st.integers(0, 3), leaked=st.booleans())
    def finish_if_it_works(self, grace, leaked):
        number = self.pending
        if number not in self.outside:
            self.tries[number] += 1
            if schedule.is_used_up(self.tries[number]):
                self.outside.discard(number)
                self.move(number, "failed")
            return
        for old in self.at(CURRENT):
            self.move(old, "compromised" if leaked else RETIRING)
            self.ends[old] = self.now + (0 if leaked else grace)
        self.move(number, CURRENT)
        self.key = "active"

    @rule(hours=st.integers(1, 5))
    def time_passes(self, hours):
        self.now += hours

    @rule()
    def end_expired(self):
        for number, end in list(self.ends.items()):
            if end <= self.now:
                self.outside.discard(number)
                if self.states[number] == RETIRING:
                    self.move(number, "retired")
                del self.ends[number]

    @precondition(lambda self: self.key == "active" and self.pending is None)
    @rule()
    def end_by_force(self):
        for old in self.at(CURRENT):
            self.move(old, "compromised")
            self.ends[old] = self.now
        self.key = "failed"

    @precondition(lambda self: self.key == "failed" and self.pending is None)
    @rule()
    def repair(self):
        self.states[max(self.states) + 1] = PENDING
        self.tries[max(self.states)] = 0

    @invariant()
    def rows_are_whole(self):
        rows = [
            VersionState(number, state, number in self.outside)
            for number, state in self.states.items()
        ]
        assert violations(self.key, rows) == []

    @invariant()
    def the_current_value_works(self):
        assert set(self.at(CURRENT)) <= self.outside


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
