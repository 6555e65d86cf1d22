"""Move a running flow to another template version: preview as a decision, then apply or undo."""

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from aethercrown.formatting import moment_text, percent_text
from aethercrown.transitions import in_words
from enterprise.onboarding import states, template_diff
from enterprise.onboarding.models import (
    OnboardingFlow,
    OnboardingStep,
    OnboardingTemplateStep,
    OnboardingTemplateVersion,
    StepAction,
    StepOwnerKind,
)
from enterprise.onboarding.reports import planning
from enterprise.onboarding.services import flows, log
from enterprise.onboarding.services.flow_change import WRITTEN, FlowChange
from enterprise.onboarding.template_diff import CANCEL, MovePreview, StepTerms
from operations.decisions import digest
from operations.decisions import services as decisions
from operations.decisions.decision_types import (
    DecisionCase,
    DecisionType,
    MeasuredEffect,
    ShownChange,
    Stale,
)
from operations.decisions.draft import Draft, ExpectedEffect

MOVE = "onboarding_move"
FOLLOW = "enterprise.follow_onboarding"  # the automation in whose name flows are moved


class NotOpen(ValueError):
    """Only a flow that is open and not being rolled back is moved."""


class UndecidedSteps(ValueError):
    """Running steps that the new version removes; say for each whether to finish or cancel it."""


def preview(
    flow: OnboardingFlow, version: OnboardingTemplateVersion, choices: Mapping[str, str]
) -> MovePreview:
    """What the move would do to each step.

    Raises NotOpen, and ValueError for a draft or a version of another template.
    """
    if flow.status not in states.OPEN_FLOWS or flow.is_rolling_back:
        word = "rolling back" if flow.is_rolling_back else in_words(flow.status)
        raise NotOpen(f"{flow} is {word}: it cannot be moved.")
    if version.template_id != flow.template_version.template_id:
        raise ValueError(f"{version} is of another template.")
    if version.state == OnboardingTemplateVersion.State.DRAFT:
        raise ValueError(f"{version} is a draft.")
    old = _terms(flow.template_version, flow.tier)
    new = _terms(version, flow.tier)
    names = {each.name for each in new}
    present = {
        each.name: each.state
        for each in flow.steps.all()
        if each.removed_by is None or (each.state == states.DONE and each.name in names)
    }
    return template_diff.preview(present, old, new, version.number, choices)


def _terms(version: OnboardingTemplateVersion, tier: str) -> list[StepTerms]:
    rows = version.steps.prefetch_related("dependencies__needs").order_by("position")
    return [
        StepTerms(
            row.name,
            float(row.hours_for(tier)),
            {each.needs.name: float(each.lag_hours) for each in row.dependencies.all()},
        )
        for row in rows
    ]


def propose(
    flow_id: int, version_id: int, now: datetime, choices: Mapping[str, str] | None = None
) -> Any:
    """Preview a move as a decision to approve. Raises UndecidedSteps, ValueError."""
    flow = OnboardingFlow.objects.select_related("template_version").get(pk=flow_id)
    version = OnboardingTemplateVersion.objects.get(pk=version_id)
    found = preview(flow, version, choices or {})
    if found.undecided:
        names = ", ".join(found.undecided)
        raise UndecidedSteps(f"Say whether to finish or cancel: {names}.")
    before = _before(flow, found)
    after = _after(version, found, choices or {}) | dates_after(flow, version, found, now)
    changed = float(sum(each.state_before != each.state_after for each in found.moves))
    return decisions.propose(
        Draft(
            automation=FOLLOW,
            kind=MOVE,
            subject=f"onboarding {flow.pk}",
            title=f"Move onboarding {flow.pk} to version {version.number} of its template",
            before=before,
            after=after,
            inputs_digest=digest.digest({"before": before, "after": after}),
            method="template move 1",
            expected=ExpectedEffect(
                "steps that change", changed, changed, changed, 0.9, timedelta(0), "steps"
            ),
        ),
        mode="propose",
        now=now,
    )


def dates_after(
    flow: OnboardingFlow, version: OnboardingTemplateVersion, found: MovePreview, now: datetime
) -> dict[str, Any]:
    """Due dates of open steps and the forecast as they would be: planned on copies."""
    moved = copy(flow)
    moved.template_version = version
    rows = {row.name: row for row in version.steps.prefetch_related("dependencies__needs")}
    present = {each.name: each for each in flow.steps.all()}
    steps = []
    for each in found.moves:
        step = copy(present.get(each.name)) or OnboardingStep(flow=moved)
        if each.name in rows and each.state_before not in states.SATISFIED:
            for name, value in flows.step_values(rows[each.name], flow.tier).items():
                setattr(step, name, value)
        step.state, step.removed_by = each.state_after, None
        steps.append(step)
    planning.store_dates(moved, steps, now, {})
    is_open = [each for each in steps if each.state in states.OPEN_STEPS]
    return {
        "due_at": {each.name: each.due_at for each in is_open},
        "estimated_at": moved.estimated_at,
        "low_at": moved.low_at,
        "high_at": moved.high_at,
    }


def _before(flow: OnboardingFlow, found: MovePreview) -> dict[str, Any]:
    return {
        "flow": flow.pk,
        "flow_version": flow.version,
        "template_version": flow.template_version_id,
        "progress": list(found.before),
        "estimated_at": flow.estimated_at,
        "due_at": {
            each.name: each.due_at
            for each in flow.steps.filter(removed_by=None, state__in=states.OPEN_STEPS)
        },
        "steps": _snapshot(flow),
    }


def _after(
    version: OnboardingTemplateVersion, found: MovePreview, choices: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "template_version": version.pk,
        "number": version.number,
        "progress": list(found.after),
        "choices": dict(choices),
        "moves": [
            {
                "step": each.name,
                "result": each.result,
                "before": each.state_before,
                "after": each.state_after,
                "flags": list(each.flags),
            }
            for each in found.moves
        ],
    }


def _snapshot(flow: OnboardingFlow) -> dict[str, Any]:
    """What a move changes of each step, so that it can be undone."""
    return {each.name: _values(each) for each in flow.steps.order_by("order")}


SNAPSHOT = tuple(name for name in WRITTEN if name not in ("notes", "result", "owner_cost"))


def _values(step: OnboardingStep) -> dict[str, Any]:
    return {name: getattr(step, name) for name in SNAPSHOT}


def apply_move(case: DecisionCase) -> None:
    """Change the flow as previewed, in one transaction. Raises Stale where it changed since."""
    with transaction.atomic():
        change = FlowChange(case.before["flow"], timezone.now())
        if change.flow.version != case.before["flow_version"]:
            raise Stale("The flow has changed since the preview: preview the move again.")
        version = OnboardingTemplateVersion.objects.get(pk=case.after["template_version"])
        change.flow.template_version = version
        rows = version.steps.prefetch_related("dependencies__needs")
        _take_over(change, {row.name: row for row in rows}, case.after["choices"], version.number)
        log.append(
            change.flow, "moved", change.flow.status, change.flow.status, change.now,
            reason=f"to version {version.number}", detail={"moves": case.after["moves"]},
        )  # fmt: skip
        change.finish()


def _take_over(
    change: FlowChange,
    rows: Mapping[str, OnboardingTemplateStep],
    choices: Mapping[str, str],
    number: int,
) -> None:
    for name, row in rows.items():
        step = change.steps.get(name)
        values = flows.step_values(row, change.flow.tier)
        if step is None:
            made = OnboardingStep.objects.create(flow=change.flow, state=states.PENDING, **values)
            change.steps[name] = made
        else:
            _keep(change, step, values, number)
    for step in change.steps.values():
        if step.name not in rows and step.removed_by is None:
            _remove(change, step, choices.get(step.name, ""), number)
        elif step.state == states.READY and change.open_dependencies(step):
            change.move(step, states.HOLD_BACK, f"by version {number}")


def _keep(change: FlowChange, step: OnboardingStep, values: Mapping[str, Any], number: int) -> None:
    """A step in both versions: what is open takes new terms, what was removed comes back."""
    was_removed, step.removed_by = step.removed_by is not None, None
    is_back = was_removed and step.state == states.SKIPPED
    is_open = is_back or step.state in states.OPEN_STEPS
    if is_open:
        for name, value in values.items():
            setattr(step, name, value)
    if is_back:
        change.move(step, states.REOPEN, f"added by version {number}")
        return
    change.write(step)
    if is_open:
        change.clocks.retarget(step, f"version {number}")


def _remove(change: FlowChange, step: OnboardingStep, choice: str, number: int) -> None:
    """A step that the version does not have: done stays in the log, open is skipped."""
    if step.state in states.RUNNING and choice != CANCEL:
        return  # it is finished first
    step.removed_by = number
    if step.state in states.OPEN_STEPS:
        StepAction.objects.filter(step=step).exclude(state=StepAction.State.DONE).update(
            state=StepAction.State.CANCELLED, lease_until=None
        )
        change.move(step, states.REMOVE, f"removed by version {number}")
    else:
        change.write(step)


def undo_move(case: DecisionCase) -> None:
    """Give the flow its earlier version and its steps back. Raises Stale where it moved on."""
    with transaction.atomic():
        change = FlowChange(case.before["flow"], timezone.now())
        old = case.before["steps"]
        if change.flow.status not in states.OPEN_FLOWS or change.flow.is_rolling_back:
            raise Stale("The flow is over, or being rolled back.")
        if change.flow.template_version_id != case.after["template_version"]:
            raise Stale("The flow has been moved to another version since.")
        _refuse_progress(change, case)
        change.flow.template_version_id = case.before["template_version"]
        for name, step in change.steps.items():
            before = step.state
            if name in old:
                _restore(step, old[name])
                change.write(step)
                change.clocks.retarget(step, "the move was undone")
                change.clocks.restore(step)
                _requeue(change, step)
            else:
                step.removed_by = case.after["number"]
                change.move(step, states.REMOVE, "the move was undone")
            if before != step.state and name in old:
                log.append(
                    change.flow, "restored", before, step.state, change.now,
                    step=name, reason="the move was undone",
                )  # fmt: skip
        change.finish()


def _requeue(change: FlowChange, step: OnboardingStep) -> None:
    """What automation had begun goes on; ready steps are queued with the flow's other work."""
    is_automated = step.owner_kind == StepOwnerKind.AUTOMATION and step.action
    if is_automated and step.state in (states.IN_PROGRESS, states.FAILED):
        change.queue(step)


def _refuse_progress(change: FlowChange, case: DecisionCase) -> None:
    """Raise Stale where a step went on since the move: its work would be lost."""
    moved = {each["step"]: each["after"] for each in case.after["moves"]}
    for name, state in moved.items():
        step = change.steps.get(name)
        opened = (states.PENDING, states.READY)
        same = step is not None and (
            step.state == state or (step.state in opened and state in opened)
        )
        if not same:
            raise Stale(f"{name} has gone on since the move; it cannot be undone.")


def _restore(step: OnboardingStep, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        field: Any = OnboardingStep._meta.get_field(name.removesuffix("_id"))  # noqa: SLF001 - documented
        setattr(step, name, value if name == "owner_id" else field.to_python(value))


def measure_move(case: DecisionCase, _now: datetime) -> MeasuredEffect:
    """How many steps the move changed, by the log."""
    changed = float(sum(each["before"] != each["after"] for each in case.after["moves"]))
    return MeasuredEffect(changed, None, None, {}, inside=True)


def page(subject: str) -> str:
    return f"/dashboards/onboarding/{subject.rpartition(' ')[2]}"


def shown_move(before: Mapping[str, Any], after: Mapping[str, Any]) -> ShownChange:
    """What becomes of each step, with due dates, progress and forecast before and after."""
    old, new = ({"done": _done_text(each["progress"])} for each in (before, after))
    for each in after["moves"]:
        name = each["step"]
        why = ", ".join(each["flags"]) or each["result"]
        old[name] = in_words(each["before"] or "not there")
        new[name] = f"{in_words(each['after'])} ({why})"
    for shown, stored in ((old, before), (new, after)):
        for name, at in stored["due_at"].items():
            shown[f"{name}, due"] = _moment_text(at)
        shown["go-live"] = _moment_text(stored["estimated_at"])
    interval = [_moment_text(after[each]) for each in ("low_at", "high_at")]
    return old, {**new, "go-live, in 8 of 10 cases": " to ".join(interval)}


def _done_text(progress: Sequence[float]) -> str:
    done, every, percent = progress
    return f"{done:g} of {every:g} steps, {percent_text(percent)}"


def _moment_text(at: str | None) -> str:
    return moment_text(datetime.fromisoformat(at).astimezone(UTC) if at else None)


ONBOARDING_MOVE = DecisionType(
    *(MOVE, "Template version of a flow", apply_move, undo_move, measure_move),
    path=page,
    shown=shown_move,
)
