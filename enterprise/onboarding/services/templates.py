"""Draft and publish template versions; what is published never changes."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from enterprise.onboarding.actions import ACTIONS
from enterprise.onboarding.models import (
    OnboardingDependency,
    OnboardingTemplate,
    OnboardingTemplateStep,
    OnboardingTemplateVersion,
)
from enterprise.sla.models import FrozenVersion
from operations.scheduling.planner import graph

COPIED = (
    *("position", "name", "hours", "hours_by_tier", "owner_kind", "role", "action"),
    *("is_optional", "contact_role"),
)


class InvalidTemplate(ValueError):
    """The version cannot be published; `problems` says why."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = list(problems)


@transaction.atomic
def draft(template_id: int) -> OnboardingTemplateVersion:
    """The draft of a template: the one there is, or a copy of its newest version."""
    template = OnboardingTemplate.objects.select_for_update().get(pk=template_id)
    newest = template.versions.order_by("-number").first()
    states = OnboardingTemplateVersion.State
    if newest is not None and newest.state == states.DRAFT:
        return newest
    number = newest.number + 1 if newest else 1
    made = OnboardingTemplateVersion.objects.create(template=template, number=number)
    if newest is not None:
        _copy_steps(newest, made)
    return made


def _copy_steps(old: OnboardingTemplateVersion, new: OnboardingTemplateVersion) -> None:
    copies = {
        each.name: OnboardingTemplateStep.objects.create(
            version=new, **{name: getattr(each, name) for name in COPIED}
        )
        for each in old.steps.all()
    }
    edges = OnboardingDependency.objects.filter(step__version=old)
    for edge in edges.select_related("step", "needs"):
        OnboardingDependency.objects.create(
            step=copies[edge.step.name], needs=copies[edge.needs.name], lag_hours=edge.lag_hours
        )


@transaction.atomic
def publish(version_id: int, now: datetime) -> OnboardingTemplateVersion:
    """Put a draft in force for new flows. Raises FrozenVersion and InvalidTemplate."""
    version = OnboardingTemplateVersion.objects.select_for_update().get(pk=version_id)
    if version.state != OnboardingTemplateVersion.State.DRAFT:
        raise FrozenVersion(f"{version} is {version.state} already.")
    if problems := problems_of(version):
        raise InvalidTemplate(problems)
    version.state = OnboardingTemplateVersion.State.PUBLISHED
    version.published_at = now
    version.save()
    return version


@transaction.atomic
def retire(version_id: int) -> OnboardingTemplateVersion:
    """Take a published version out of force; the one before is in force again."""
    version = OnboardingTemplateVersion.objects.select_for_update().get(pk=version_id)
    if version.state != OnboardingTemplateVersion.State.PUBLISHED:
        raise FrozenVersion(f"{version} is {version.state}, not published.")
    version.state = OnboardingTemplateVersion.State.RETIRED
    version.save()
    return version


def problems_of(version: OnboardingTemplateVersion) -> list[str]:
    """Why a version cannot be published: no step, a cycle, an unknown action, a strange step."""
    rows = list(version.steps.prefetch_related("dependencies__needs"))
    if not rows:
        return ["A template needs at least one step."]
    found = [
        f"{row.name}: there is no action {row.action!r}; known are {', '.join(ACTIONS)}."
        for row in rows
        if row.action and row.action not in ACTIONS
    ]
    found += [
        f"{row.name}: a step of automation needs an action."
        for row in rows
        if row.owner_kind == "automation" and not row.action
    ]
    found += [
        f"{row.name} waits for {each.needs.name}, which is in another version."
        for row in rows
        for each in row.dependencies.all()
        if each.needs.version_id != version.pk
    ]
    return found + _cycles(rows)


def _cycles(rows: Sequence[OnboardingTemplateStep]) -> list[str]:
    names = {row.name for row in rows}
    needs = {
        row.name: [each.needs.name for each in row.dependencies.all() if each.needs.name in names]
        for row in rows
    }
    try:
        graph.topological_order(*graph.number_tasks(needs))
    except graph.CyclicDependency as error:
        return [f"The steps wait for each other: {error}."]
    return []
