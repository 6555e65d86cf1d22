"""Recompute every look and decision from the stored rows, and say where one differs."""

from collections.abc import Iterator
from dataclasses import dataclass

from marketing.experiments import look_rows
from marketing.experiments.engine.decision import CONTROL, PairProgress, take_look
from marketing.experiments.models import AbTest, AbTestLook
from marketing.experiments.services import looks


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many looks and decisions were computed again, and what differs."""

    looks: int
    decisions: int
    differences: tuple[str, ...]


def replay() -> Replayed:
    """Walk every test's stored looks again, and compare each result bit for bit.

    The counts of the last look are also summed again from the counts.
    """
    walked = decided = 0
    differences: list[str] = []
    for test in AbTest.objects.order_by("pk"):
        rows = list(AbTestLook.objects.filter(test=test).order_by("number"))
        walked += len(rows)
        decided += looks.decision_of(test) is not None
        differences += [f"{test.test_id}: {each}" for each in _differences(test, rows)]
    return Replayed(walked, decided, tuple(differences))


def _differences(test: AbTest, rows: list[AbTestLook]) -> Iterator[str]:
    plan, progress = looks.plan_of(test), dict[int, PairProgress]()
    first_winner: AbTestLook | None = None
    for row in rows:
        strata = look_rows.strata_from_json(row.strata)
        result = take_look(plan, strata, look_rows.gates_from_json(row.gates), progress)
        if looks.result_fields(result) != row.result:
            yield f"look {row.number} gives another result"
        progress = result.progress
        is_open = test.concluded_at is None or row.taken_at <= test.concluded_at
        if first_winner is None and is_open and row.result["winner"] is not None:
            first_winner = row
    if rows and _sums(test, rows[-1]) != rows[-1].strata:
        yield f"look {rows[-1].number} had other counts"
    yield from _decision_differences(test, first_winner)


def _sums(test: AbTest, row: AbTestLook) -> object:
    """The counts of a look from the rows; those of the learning stretch as they were then."""
    if test.learned_until is not None and test.learned_until == row.closed_until:
        test.learned_until = test.base_rate = None  # this instance only: the stretch ended after it
    return look_rows.strata_to_json(looks.closed_strata(test, row.closed_until))


def _decision_differences(test: AbTest, first_winner: AbTestLook | None) -> Iterator[str]:
    decision = looks.decision_of(test)
    if decision is None:
        if first_winner is not None and test.invalid_at is None:
            yield f"look {first_winner.number} has a winner, but there is no decision"
        return
    if first_winner is None or decision.look_id != first_winner.pk:
        yield "the decision is not of the first look with a winner"
    elif decision.winner_place != first_winner.result["winner"]:
        yield "the decision names another winner"
    elif decision.winner_place != CONTROL and decision.content["p_value"] != min(
        first_winner.result["adjusted"].values()
    ):
        yield "the decision has another p-value"
