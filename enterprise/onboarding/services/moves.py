"""Move a running flow to another template version: preview as a decision, then apply or undo."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from enterprise.onboarding import states, template_diff
from enterprise.onboarding.models import (
    OnboardingFlow,
    OnboardingStep,
    OnboardingTemplateStep,
    OnboardingTemplateVersion,
    StepAction,
)
from enterprise.onboarding.services import flows, log
from enterprise.onboarding.services.flow_change import WRITTEN, FlowChange
from enterprise.onboarding.template_diff import CANCEL, MovePreview, StepTerms
from operations.decisions import digest
from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect, Stale
from operations.decisions.draft import Draft, ExpectedEffect

MOVE = "onboarding_move"
FOLLOW = "enterprise.follow_onboarding"  # the automation in whose name flows are moved


class UndecidedSteps(ValueError):
    """Running steps that the new version removes; say for each whether to finish or cancel it."""


def preview(
    flow: OnboardingFlow, version: OnboardingTemplateVersion, choices: Mapping[str, str]
) -> MovePreview:
    """What the move would do to each step. Raises ValueError for a version of another template."""
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
    before, after = _before(flow, found), _after(version, found, choices or {})
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
                "steps that change", changed, changed, changed, 0.9, timedelta(0)
            ),
        ),
        mode="propose",
        now=now,
    )


def _before(flow: OnboardingFlow, found: MovePreview) -> dict[str, Any]:
    return {
        "flow": flow.pk,
        "flow_version": flow.version,
        "template_version": flow.template_version_id,
        "progress": list(found.before),
        "estimated_at": flow.estimated_at,
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
    if is_back or step.state in states.OPEN_STEPS:
        for name, value in values.items():
            setattr(step, name, value)
    if is_back:
        change.move(step, states.REOPEN, f"added by version {number}")
    else:
        change.write(step)


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
        if change.flow.template_version_id != case.after["template_version"]:
            raise Stale("The flow has been moved to another version since.")
        _refuse_progress(change, case)
        change.flow.template_version_id = case.before["template_version"]
        for name, step in change.steps.items():
            before = step.state
            if name in old:
                _restore(step, old[name])
                change.write(step)
            else:
                step.removed_by = case.after["number"]
                change.move(step, states.REMOVE, "the move was undone")
            if before != step.state and name in old:
                log.append(
                    change.flow, "restored", before, step.state, change.now,
                    step=name, reason="the move was undone",
                )  # fmt: skip
        change.finish()


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


ONBOARDING_MOVE = DecisionType(
    MOVE, "Template version of a flow", apply_move, undo_move, measure_move, path=page
)
