"""A few kills of real workers at work; tests/faults deals two hundred."""

from tests.faults.test_workers import blows


def test_killed_workers_lose_nothing_and_repeat_nothing(tmp_path):
    outcome = blows(tmp_path / "data", 2, 2, ("child", "worker"), every=4, pause=(0.5, 1.5))
    assert (outcome["lost"], outcome["twice"]) == (0, 0), outcome
