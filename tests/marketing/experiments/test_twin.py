"""The twin of the benchmarks says what the engine says, to 1e-12."""

import numpy as np
import pytest

from marketing.experiments.engine.decision import (
    ArmCounts,
    DecisionPlan,
    GateCounts,
    LookStratum,
    PairProgress,
    take_look,
)
from marketing.experiments.engine.means import ArmSums, MeanStratum, combine, mean_evidence
from marketing.experiments.engine.mismatch import ExposureCounts, log_mismatch
from tests.benchmarks import experiments
from tests.benchmarks.experiments_ratio import log_mismatches
from tests.benchmarks.experiments_twin import Peaks, log_e_of_means
from tests.benchmarks.experiments_walks import Walk

RUNS, LOOKS = 4, 9
PLAN = DecisionPlan()
WEIGHTS = [(0.4, 0.3, 0.3), (0.2, 0.5, 0.3)]


def known(value):
    """A value that is there."""
    assert value is not None
    return value


def exact(value):
    return pytest.approx(value, rel=1e-12, abs=1e-12)


def stored_strata(walk, run):
    """What the product would have closed of one run."""
    return [
        LookStratum(
            weights,
            0.0 if part is early else float(walk.base_rate[run]),
            tuple(
                ArmCounts(int(n), int(c))
                for n, c in zip(part.visitors[run], part.converters[run], strict=True)
            ),
        )
        for weights, (early, late) in walk.strata.items()
        for part in (early, late)
    ]


def test_walks_of_three_arms_under_changing_weights_are_those_of_the_engine():
    draw = np.random.default_rng(11)
    walk, peaks = Walk(RUNS, 3, PLAN), Peaks(RUNS, 2)
    progress: list[dict[int, PairProgress]] = [{} for _ in range(RUNS)]
    won: list[tuple[int, int] | None] = [None] * RUNS
    for look in range(LOOKS):
        weights = WEIGHTS[look // 3 % 2]
        visitors = draw.multinomial(1_500, weights, RUNS)
        walk.add(weights, visitors, draw.binomial(visitors, (0.05, 0.08, 0.055)))
        for variant in (1, 2):
            rows = walk.gated(variant)
            found = [np.full(RUNS, -np.inf), np.full(RUNS, -np.inf)]
            if rows.any():
                found[0][rows], found[1][rows] = walk.evidence(variant, rows)
            peaks.add(variant - 1, rows, *found)
        sizes = walk.total.converters / walk.total.visitors
        peaks.close_look(look, PLAN, sizes[:, 1:])
        for run in range(RUNS):
            totals = walk.total.visitors[run]
            gates = [GateCounts(int(each), int(each)) for each in totals]
            result = take_look(PLAN, stored_strata(walk, run), gates, progress[run])
            progress[run] = result.progress
            for variant, pair in result.pairs.items():
                assert pair.progress.higher == exact(peaks.higher[run, variant - 1])
                assert pair.progress.lower == exact(peaks.lower[run, variant - 1])
            if won[run] is None and result.verdict.winner is not None:
                won[run] = (look, result.verdict.winner)
        walk.end_learning()
    assert walk.learned.all()
    assert [each for each in won if each] != []
    first = [(int(a), int(b)) for a, b in zip(peaks.first_winner, peaks.won, strict=True)]
    assert first == [each or (-1, -1) for each in won]


def test_means_and_ratios_are_those_of_the_engine():
    n = np.array([4_000, 900]), np.array([4_100, 880])
    total = np.array([9_000.0, 700.0]), np.array([10_100.0, 640.0])
    squares = np.array([90_000.0, 2_000.0]), np.array([120_000.0, 1_900.0])
    higher, lower = log_e_of_means(n, total, squares)
    for run in range(2):
        arms = [ArmSums(int(n[k][run]), total[k][run], squares[k][run]) for k in (0, 1)]
        found = mean_evidence(known(combine([MeanStratum(*arms)])))
        assert (found.higher, found.lower) == (exact(higher[run]), exact(lower[run]))
    counts = np.array([[5_050, 3_010, 1_940], [900, 700, 300]])
    weights = (0.5, 0.3, 0.2)
    expected = [log_mismatch([ExposureCounts(weights, tuple(row))]) for row in counts.tolist()]
    assert list(log_mismatches(counts, weights)) == exact(expected)


@pytest.mark.parametrize("section", ["ratio", "delays"])
def test_a_table_is_printed(section, capsys):
    experiments.main(["--runs", "8", "--only", section])
    printed = capsys.readouterr().out
    assert "|" in printed
    assert f"{section}: " in printed
