"""A few kills of real workers at work; tests/faults deals two hundred."""

from tests.faults.test_workers import blows

SEED = 1  # draws one kill of each kind


def test_killed_workers_lose_nothing_and_repeat_nothing(tmp_path):
    kinds = ("child", "worker")
    few = {"workers": 2, "web": False}
    outcome = blows(tmp_path / "data", 2, SEED, kinds, every=4, pause=(0.5, 1.5), **few)
    assert (outcome["lost"], outcome["twice"]) == (0, 0), outcome
    assert outcome["kinds"] == {"child": 1, "worker": 1}
