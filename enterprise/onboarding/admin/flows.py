"""Flows: hold, resume, move to another version, cancel, roll back."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

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
from enterprise.onboarding import states, template_diff
from enterprise.onboarding.admin.contacts import ContactForm
from enterprise.onboarding.admin.reason_form import ReasonForm
from enterprise.onboarding.models import (
    OnboardingContact,
    OnboardingFlow,
    OnboardingStep,
    OnboardingTemplateVersion,
    StepTransition,
)
from enterprise.onboarding.services import contacts, flows, moves
from enterprise.sla.admin import OperatorAdmin


class StepInline(ReadOnlyAdmin, TabularInline):
    model = OnboardingStep
    extra = 0
    show_change_link = True
    fields = ["order", "name", "state", "owner", "due_at", "finished_at", "reason"]


class OnboardingContactInline(ReadOnlyAdmin, TabularInline):
    model = OnboardingContact
    extra = 0
    show_change_link = True
    fields = ["name", "email", "role", "zone", "left_at"]
    readonly_fields = ["left_at"]


class StepTransitionInline(ReadOnlyAdmin, TabularInline):
    model = StepTransition
    extra = 0
    fields = ["sequence", "at", "step", "event", "from_state", "to_state", "actor", "reason"]


Service = Callable[..., OnboardingFlow]


def flow_action(verb: str, question: str, done: str, service: Service) -> RowAction:
    """A button of a flow that calls `service(id, now, reason)` in the person's name."""

    def act(row: OnboardingFlow, actor: str, given: Mapping[str, Any]) -> str:
        with acting(actor, given.get("note", "")):
            service(row.pk, timezone.now(), given.get("note", ""))
        return done

    return RowAction(verb, question, act, ReasonForm)


HOLD = flow_action(
    "Put on hold", "Stop the work and the clocks of {}?", "On hold", flows.put_on_hold
)
RESUME = flow_action("Resume", "Go on with {}?", "Resumed", flows.resume)
CANCEL = flow_action("Cancel", "End {}? What was done stays.", "Cancelled", flows.cancel)
ROLL_BACK = flow_action(
    "Roll back",
    "Undo what was done for {}, the last step first? Its key is revoked, its quotas are removed.",
    "Rolled back as far as possible",
    flows.roll_back,
)


class MoveForm(forms.Form):
    """The version to move to, and what happens to running steps that it does not have."""

    version = forms.ModelChoiceField(
        OnboardingTemplateVersion.objects.none(), widget=UnfoldAdminSelectWidget()
    )
    running = forms.ChoiceField(
        label="Running steps that it does not have",
        choices=[
            (template_diff.FINISH, "are finished first"),
            (template_diff.CANCEL, "are cancelled"),
        ],
        widget=UnfoldAdminSelectWidget(),
    )

    def __init__(self, flow: OnboardingFlow, *args: Any) -> None:
        super().__init__(*args)
        others = OnboardingTemplateVersion.objects.filter(
            template=flow.template_version.template_id,
            state=OnboardingTemplateVersion.State.PUBLISHED,
        )
        self.fields["version"].queryset = others.exclude(  # type: ignore[attr-defined]  # of its class
            pk=flow.template_version_id
        )


@admin.register(OnboardingFlow)
class OnboardingFlowAdmin(ReadOnlyAdmin, OperatorAdmin, RowActionAdmin):
    list_display = ["company_name", "tier", "status", "started_at", "estimated_at"]
    list_filter = ["status", "tier", "template_version"]
    search_fields = ["company_name", "customer__external_id", "onboarding_id"]
    list_select_related = ["template_version__template", "customer"]
    inlines = [StepInline, OnboardingContactInline, StepTransitionInline]
    actions_detail = ["add_contact", "put_on_hold", "resume", "move", "cancel", "roll_back"]

    put_on_hold = row_button("put_on_hold", HOLD)
    resume = row_button("resume", RESUME)
    cancel = row_button("cancel", CANCEL)
    roll_back = row_button("roll_back", ROLL_BACK)

    @button("Add a contact", "add-contact", "operate")
    def add_contact(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(OnboardingFlow, pk=object_id)
        form = ContactForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            with acting(actor_of(request)):
                contact = contacts.add(row.pk, **form.cleaned_data)
            return redirect(change_url(contact))
        question = f"Who at the customer takes part in {row}?"
        return confirmation_page(self, request, row, question, "Add", form=form)

    @button("Move to another version", "move", "operate")
    def move(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(OnboardingFlow, pk=object_id)
        form = MoveForm(row, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            return self._propose(request, row, form.cleaned_data)
        question = (
            f"Preview the move of {row} to another version of its template? The decision lists "
            "what becomes of each step; nothing moves before it is approved."
        )
        return confirmation_page(self, request, row, question, "Preview", form=form)

    def _propose(
        self, request: HttpRequest, row: OnboardingFlow, given: Mapping[str, Any]
    ) -> HttpResponse:
        running = row.steps.filter(state__in=states.RUNNING).values_list("name", flat=True)
        choices = dict.fromkeys(running, given["running"])
        try:
            with acting(actor_of(request)):
                decision = moves.propose(row.pk, given["version"].pk, timezone.now(), choices)
        except (moves.UndecidedSteps, ValueError) as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(change_url(row))
        return redirect(change_url(decision))
