"""What moving a running flow to another template version does to each step. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from enterprise.onboarding import states
from enterprise.onboarding.progress import StepProgress, progress_of

KEPT, UPDATED, ADDED, REMOVED, LOGGED = "kept", "updated", "added", "removed", "logged"
FINISH, CANCEL = "finish", "cancel"  # what staff choose for a running step that is removed


@dataclass(frozen=True, slots=True)
class StepTerms:
    """A step of a template version; `after` holds lags in hours."""

    name: str
    hours: float
    after: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepMove:
    """The result for one step: what becomes of it, its new state, and what staff should look at."""

    name: str
    result: str
    state_before: str
    state_after: str
    flags: tuple[str, ...] = ()
    needs_choice: bool = False


@dataclass(frozen=True, slots=True)
class MovePreview:
    """Every step's result, and the progress before and after."""

    moves: tuple[StepMove, ...]
    before: tuple[int, int, float]  # completed, total, percent
    after: tuple[int, int, float]

    @property
    def undecided(self) -> tuple[str, ...]:
        """Running steps that the new version removes, for which nothing was chosen."""
        return tuple(each.name for each in self.moves if each.needs_choice)


def preview(
    present: Mapping[str, str],
    old: Sequence[StepTerms],
    new: Sequence[StepTerms],
    number: int,
    choices: Mapping[str, str] | None = None,
) -> MovePreview:
    """Match the steps by name; `present` are the states now, `number` the new version's."""
    old_by_name = {each.name: each for each in old}
    names = {each.name for each in new}
    before = [StepProgress(0, name, state, 0) for name, state in present.items()]
    moves = [_in_new(each, old_by_name.get(each.name), present) for each in new]
    moves += [
        _only_old(name, state, number, choices or {})
        for name, state in present.items()
        if name not in names
    ]
    after = [
        StepProgress(0, each.name, each.state_after, 0) for each in moves if each.result != LOGGED
    ]
    return MovePreview(tuple(moves), _counts(before), _counts(after))


def _in_new(step: StepTerms, old: StepTerms | None, present: Mapping[str, str]) -> StepMove:
    state = present.get(step.name)
    opened = [each for each in step.after if present.get(each) not in states.SATISFIED]
    if state is None:
        target = states.PENDING if opened else states.READY
        return StepMove(step.name, ADDED, "", target)
    fresh = [each for each in opened if old is None or each not in old.after]
    flags = tuple(f"now waits for {each}, which is open" for each in fresh)
    if state in (states.DONE, states.SKIPPED, states.REVERTED):
        return StepMove(step.name, KEPT, state, state, flags)
    if state == states.READY and opened:
        return StepMove(step.name, UPDATED, state, states.PENDING, flags)
    if state == states.PENDING and not opened:
        return StepMove(step.name, UPDATED, state, states.READY)
    return StepMove(step.name, UPDATED, state, state, flags if state in states.RUNNING else ())


def _only_old(name: str, state: str, number: int, choices: Mapping[str, str]) -> StepMove:
    """A step that the new version does not have."""
    reason = (f"removed by version {number}",)
    if state == states.DONE:
        return StepMove(name, LOGGED, state, state, reason)
    if state in states.RUNNING:
        chosen = choices.get(name)
        target = states.SKIPPED if chosen == CANCEL else state
        return StepMove(name, REMOVED, state, target, reason, chosen not in (FINISH, CANCEL))
    return StepMove(name, REMOVED, state, states.SKIPPED, reason)


def _counts(steps: Sequence[StepProgress]) -> tuple[int, int, float]:
    found = progress_of(steps)
    return found.completed_steps, found.total_steps, found.overall_progress
