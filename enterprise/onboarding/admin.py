"""Templates with versions, the team, flows with their steps, contacts and log."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.widgets import UnfoldAdminSelectWidget

from aethercrown.admin_actions import (
    RowAction,
    RowActionAdmin,
    button,
    change_url,
    confirmation_page,
    note_field,
)
from aethercrown.history.attribution import acting, actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from enterprise.onboarding import states, template_diff
from enterprise.onboarding.models import (
    OnboardingContact,
    OnboardingDependency,
    OnboardingFlow,
    OnboardingStep,
    OnboardingTemplate,
    OnboardingTemplateStep,
    OnboardingTemplateVersion,
    StepTransition,
    TeamAbsence,
    TeamMember,
)
from enterprise.onboarding.services import (
    contacts,
    flows,
    moves,
    owners,
    reminders,
    steps,
    templates,
)
from enterprise.onboarding.services.actions import ActionRefused
from enterprise.sla.models import FrozenVersion
from security.access import reports as people

DRAFT = OnboardingTemplateVersion.State.DRAFT


class OnboardingOperatorAdmin(ModelAdmin):
    """Buttons on it need the permission to operate."""

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_operate(people.person(request.user))


@admin.register(OnboardingTemplate)
class OnboardingTemplateAdmin(OnboardingOperatorAdmin):
    list_display = ["title", "name", "is_default"]
    actions_detail = ["draft"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    @button("Draft a new version", "draft", "operate")
    def draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(OnboardingTemplate, pk=object_id)
        if request.method != "POST":
            question = f"Copy the newest version of {row} to a draft?"
            return confirmation_page(self, request, row, question, "Draft a new version")
        with acting(actor_of(request)):
            return redirect(change_url(templates.draft(row.pk)))


class DraftStepInline(StackedInline):
    model = OnboardingTemplateStep
    extra = 0
    show_change_link = True
    fields = [
        *("position", "name", "hours", "hours_by_tier", "owner_kind", "role", "action"),
        *("contact_role", "is_optional"),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_delete_permission(request, obj)


def is_draft(row: Any) -> bool:
    return row is None or row.state == DRAFT


@admin.register(OnboardingTemplateVersion)
class OnboardingTemplateVersionAdmin(OnboardingOperatorAdmin):
    list_display = ["template", "number", "state", "note", "published_at"]
    list_filter = ["template", "state"]
    list_select_related = ["template"]
    readonly_fields = ["template", "number", "state", "published_at"]
    inlines = [DraftStepInline]
    actions_detail = ["publish", "retire"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and is_draft(obj) and super().has_delete_permission(request, obj)

    @button("Publish", "publish", "operate")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "Put {} in force for new flows? It cannot be changed afterwards."
        return self._step(request, object_id, "Publish", question, publish)

    @button("Retire", "retire", "operate")
    def retire(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "Take {} out of force? New flows use the version before it."
        return self._step(request, object_id, "Retire", question, templates.retire)

    def _step(
        self,
        request: HttpRequest,
        object_id: str,
        verb: str,
        question: str,
        service: Callable[[int], OnboardingTemplateVersion],
    ) -> HttpResponse:
        row = get_object_or_404(OnboardingTemplateVersion, pk=object_id)
        if request.method != "POST":
            return confirmation_page(self, request, row, question.format(row), verb)
        try:
            with acting(actor_of(request)):
                done = service(row.pk)
        except (FrozenVersion, templates.InvalidTemplate) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"{done} is {done.state}.")
        return redirect(change_url(row))


def publish(version_id: int) -> OnboardingTemplateVersion:
    return templates.publish(version_id, timezone.now())


class OnboardingDependencyInline(TabularInline):
    model = OnboardingDependency
    fk_name = "step"
    extra = 0
    fields = ["needs", "lag_hours"]

    def formfield_for_foreignkey(self, field: Any, request: Any, **options: Any) -> Any:
        """Only steps of the same version can be waited for."""
        step_id = request.resolver_match.kwargs.get("object_id") if request else None
        step = OnboardingTemplateStep.objects.filter(pk=step_id).first() if step_id else None
        if field.name == "needs" and step is not None:
            same = OnboardingTemplateStep.objects.filter(version=step.version_id)
            options["queryset"] = same.exclude(pk=step.pk)
        return super().formfield_for_foreignkey(field, request, **options)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj and obj.version) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj and obj.version) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj and obj.version) and super().has_delete_permission(request, obj)


@admin.register(OnboardingTemplateStep)
class OnboardingTemplateStepAdmin(ModelAdmin):
    """A step with what it waits for; steps are added on the page of their version."""

    list_display = ["name", "version", "position", "hours", "owner_kind", "action"]
    list_filter = ["version"]
    list_select_related = ["version__template"]
    readonly_fields = ["version"]
    inlines = [OnboardingDependencyInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj and obj.version) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_free = obj is not None and is_draft(obj.version)
        return is_free and super().has_delete_permission(request, obj)


class TeamAbsenceInline(TabularInline):
    model = TeamAbsence
    extra = 0


@admin.register(TeamMember)
class TeamMemberAdmin(ModelAdmin):
    list_display = ["name", "roles", "week_hours", "zone", "is_active"]
    search_fields = ["name"]
    inlines = [TeamAbsenceInline]


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


class ReasonForm(forms.Form):
    note = note_field(300)


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
class OnboardingFlowAdmin(ReadOnlyAdmin, RowActionAdmin):
    list_display = ["company_name", "tier", "status", "started_at", "estimated_at"]
    list_filter = ["status", "tier", "template_version"]
    search_fields = ["company_name", "customer__external_id", "onboarding_id"]
    list_select_related = ["template_version__template", "customer"]
    inlines = [StepInline, OnboardingContactInline, StepTransitionInline]
    actions_detail = ["add_contact", "put_on_hold", "resume", "move", "cancel", "roll_back"]

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_operate(people.person(request.user))

    @button("Put on hold", "hold", "operate")
    def put_on_hold(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, HOLD)

    @button("Resume", "resume", "operate")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, RESUME)

    @button("Cancel", "cancel", "operate")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, CANCEL)

    @button("Roll back", "roll-back", "operate")
    def roll_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, ROLL_BACK)

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


class ContactForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    class Meta:
        model = OnboardingContact
        fields = ["name", "email", "role", "zone"]


@admin.register(OnboardingContact)
class OnboardingContactAdmin(OnboardingOperatorAdmin):
    list_display = ["name", "flow", "email", "role", "zone", "left_at"]
    list_filter = ["role"]
    list_select_related = ["flow"]
    search_fields = ["name", "email", "flow__company_name"]
    fields = ["flow", "name", "email", "role", "zone", "link", "left_at"]
    readonly_fields = ["flow", "link", "left_at"]
    actions_detail = ["send_link", "revoke", "leave"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description="Link to the status page")
    def link(self, contact: OnboardingContact) -> str:
        return "ended" if contact.left_at else contacts.path(contact)

    @button("Mail the link", "send-link", "operate")
    def send_link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(OnboardingContact, pk=object_id)
        if request.method != "POST":
            return confirmation_page(self, request, row, f"Mail {row} the link?", "Mail the link")
        if reminders.send_link(row.pk, timezone.now()):
            self.message_user(request, f"Written: the link for {row}.")
        else:
            why = "Not written: PUBLIC_URL is not set, or the contact has left."
            self.message_user(request, why, messages.ERROR)
        return redirect(change_url(row))

    @button("Revoke the link", "revoke", "operate")
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "End the link of {}? The new one stands on this page."
        return self._step(request, object_id, "Revoke the link", question, contacts.revoke_link)

    @button("Has left", "leave", "operate")
    def leave(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = "Has {} left? The link ends, and what waits for this person waits for the owner."
        return self._step(request, object_id, "Has left", question, leave)

    def _step(
        self,
        request: HttpRequest,
        object_id: str,
        verb: str,
        question: str,
        service: Callable[[int], OnboardingContact],
    ) -> HttpResponse:
        row = get_object_or_404(OnboardingContact, pk=object_id)
        if request.method != "POST":
            return confirmation_page(self, request, row, question.format(row), verb)
        with acting(actor_of(request)):
            service(row.pk)
        self.message_user(request, f"{verb}: {row}.")
        return redirect(change_url(row))


def leave(contact_id: int) -> OnboardingContact:
    return contacts.leave(contact_id, timezone.now())


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


COMPLETE = RowAction("Complete", "Is {} done? What it does is done now.", complete_step, ReasonForm)
STEP_ACTIONS = {
    states.START: step_action("Start", "Begin {}?", states.START),
    states.WAIT: step_action(
        "Wait for the customer", "Does {} wait for the customer?", states.WAIT
    ),
    states.BLOCK: step_action("Block", "What blocks {}?", states.BLOCK),
    states.RESUME: step_action("Resume", "Go on with {}?", states.RESUME),
    states.RETRY: step_action("Try again", "Try {} again?", states.RETRY),
    states.SKIP: step_action("Skip", "Leave {} out?", states.SKIP),
}


class OwnerForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in stubs only
    class Meta:
        model = OnboardingStep
        fields = ["owner"]


@admin.register(OnboardingStep)
class OnboardingStepAdmin(ReadOnlyAdmin, RowActionAdmin):
    list_display = ["name", "flow", "state", "owner", "due_at"]
    list_filter = ["state", "owner", "name"]
    list_select_related = ["flow", "owner"]
    search_fields = ["name", "flow__company_name"]
    refusals = (InvalidTransition, ActionRefused, steps.UnknownStep)
    actions_detail = [
        *("complete", "start", "wait", "resume", "block", "retry", "skip", "assign", "reopen"),
    ]

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return people.may_operate(people.person(request.user))

    @button("Complete", "complete", "operate")
    def complete(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, COMPLETE)

    @button("Start", "start", "operate")
    def start(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, STEP_ACTIONS[states.START])

    @button("Wait for the customer", "wait", "operate")
    def wait(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, STEP_ACTIONS[states.WAIT])

    @button("Resume", "resume", "operate")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, STEP_ACTIONS[states.RESUME])

    @button("Block", "block", "operate")
    def block(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, STEP_ACTIONS[states.BLOCK])

    @button("Try again", "retry", "operate")
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, STEP_ACTIONS[states.RETRY])

    @button("Skip", "skip", "operate")
    def skip(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, STEP_ACTIONS[states.SKIP])

    @button("Open again", "reopen", "operate")
    def reopen(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, REOPEN)

    @button("Give to", "assign", "operate")
    def assign(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = get_object_or_404(OnboardingStep, pk=object_id)
        form = OwnerForm(request.POST if request.method == "POST" else None, instance=row)
        if request.method == "POST" and form.is_valid():
            owner = form.cleaned_data["owner"]
            with acting(actor_of(request)):
                owners.set_owner(row.pk, owner.pk if owner else None)
            self.message_user(request, f"Given to {owner or 'nobody'}: {row}.")
            return redirect(change_url(row))
        return confirmation_page(self, request, row, f"Who does {row}?", "Give", form=form)


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
