"""Steps: what people do with them, and who does them."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from aethercrown.admin_actions import (
    RowAction,
    RowActionAdmin,
    button,
    change_url,
    confirmation_page,
    row_button,
)
from aethercrown.history.attribution import acting, actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from enterprise.onboarding import states
from enterprise.onboarding.admin.reason_form import ReasonForm
from enterprise.onboarding.models import OnboardingStep
from enterprise.onboarding.services import flows, owners, steps
from enterprise.onboarding.services.actions import ActionRefused
from enterprise.sla.admin import OperatorAdmin


def step_action(verb: str, question: str, event: str) -> RowAction:
    """A button of a step that takes one event in the person's name."""

    def act(row: OnboardingStep, actor: str, given: Mapping[str, Any]) -> str:
        note = given.get("note", "")
        with acting(actor, note):
            steps.move(row.flow_id, row.name, event, timezone.now(), reason=note)
        return verb

    return RowAction(verb, question, act, ReasonForm)


def complete_step(row: OnboardingStep, actor: str, given: Mapping[str, Any]) -> str:
    with acting(actor):
        steps.complete(row.flow_id, row.name, timezone.now(), notes=given.get("note", ""))
    return "Completed"


def reopen_step(row: OnboardingStep, actor: str, given: Mapping[str, Any]) -> str:
    note = given.get("note", "")
    with acting(actor, note):
        flows.reopen_step(row.flow_id, row.name, timezone.now(), note)
    return "Opened again"


REOPEN = RowAction(
    "Open again",
    "Undo {} and every done step that waited for it, and open them again?",
    reopen_step,
    ReasonForm,
)
COMPLETE = RowAction("Complete", "Is {} done? What it does is done now.", complete_step, ReasonForm)
WAIT = step_action("Wait for the customer", "Does {} wait for the customer?", states.WAIT)


class OwnerForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    class Meta:
        model = OnboardingStep
        fields = ["owner"]


@admin.register(OnboardingStep)
class OnboardingStepAdmin(ReadOnlyAdmin, OperatorAdmin, RowActionAdmin):
    list_display = ["name", "flow", "state", "owner", "due_at"]
    list_filter = ["state", "owner", "name"]
    list_select_related = ["flow", "owner"]
    search_fields = ["name", "flow__company_name"]
    refusals = (InvalidTransition, ActionRefused, steps.UnknownStep)
    actions_detail = [
        *("complete", "start", "wait", "resume", "block", "retry", "skip", "assign", "reopen"),
    ]

    complete = row_button("complete", COMPLETE)
    start = row_button("start", step_action("Start", "Begin {}?", states.START))
    wait = row_button("wait", WAIT)
    resume = row_button("resume", step_action("Resume", "Go on with {}?", states.RESUME))
    block = row_button("block", step_action("Block", "What blocks {}?", states.BLOCK))
    retry = row_button("retry", step_action("Try again", "Try {} again?", states.RETRY))
    skip = row_button("skip", step_action("Skip", "Leave {} out?", states.SKIP))
    reopen = row_button("reopen", REOPEN)

    @button("Give to", "assign", "operate")
    def assign(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(OnboardingStep, pk=object_id)
        form = OwnerForm(request.POST if request.method == "POST" else None, instance=row)
        if request.method == "POST" and form.is_valid():
            owner = form.cleaned_data["owner"]
            with acting(actor_of(request)):
                owners.set_owner(row.pk, owner.pk if owner else None)
            done = f"Given to {owner or 'nobody'}"
            self.log_change(request, row, done)
            self.message_user(request, f"{done}: {row}.")
            return redirect(change_url(row))
        return confirmation_page(self, request, row, f"Who does {row}?", "Give", form=form)
