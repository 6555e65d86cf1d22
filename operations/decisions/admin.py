"""The admin of decisions, which can be approved, rejected and rolled back, but not edited."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget

from aethercrown import references
from aethercrown.admin_actions import RowAction, RowActionAdmin, button, note_field
from aethercrown.formatting import moment_text
from aethercrown.page_parts import UndoNotice
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.registry import UnknownName
from aethercrown.transitions import InvalidTransition
from operations.decisions import reports, services, states
from operations.decisions.decision_text import (
    STEPS,
    confirmed_amounts,
    failed_guardrails,
    guardrail_text,
    promised,
)
from operations.decisions.decision_types import (
    Stale,
    approval_kind_registry,
    decision_type_registry,
)
from operations.decisions.effect_text import expected_text, realised_text
from operations.decisions.models import Decision, FourEyesRule

MAY_SET_RULES = "security.change_user"


class NoteForm(forms.Form):
    note = note_field(2000)


def amounts(decision: Decision) -> list[tuple[str, str]]:
    return confirmed_amounts(decision.expected, reports.changes(decision))


def failed(decision: Decision) -> list[str]:
    return failed_guardrails(decision.guardrails)


def undo_notice(decision: Decision) -> UndoNotice | None:
    """For a decision in effect that can be rolled back."""
    if decision.applied_at is None or states.ROLLED_BACK not in reports.allowed_steps(decision):
        return None
    path = reverse("admin:operations_decision_roll_back", args=[decision.pk])
    at = moment_text(decision.applied_at)
    return UndoNotice(f"Applied {at}: {decision}.", path, verb="Undo")


def row_action(name: str, service: Callable[..., Decision]) -> RowAction:
    text = STEPS[name]

    def act(decision: Decision, actor: str, given: Mapping[str, Any]) -> str:
        service(decision.pk, actor=actor, note=given["note"], now=timezone.now())
        return text.done

    return RowAction(text.verb, text.question, act, NoteForm, amounts, failed)


ACTIONS = {
    "approve": row_action("approve", services.approve),
    "reject": row_action("reject", services.reject),
    "roll_back": row_action("roll_back", services.roll_back),
}
TARGETS = {
    "approve": states.APPROVED,
    "reject": states.REJECTED,
    "roll_back": states.ROLLED_BACK,
}
OPTIONAL_FIELDS = (
    "actor",
    "note",
    "approved_at",
    "rejected_at",
    "applied_at",
    "measured_at",
    "rolled_back_at",
    "rolled_back_by",
    "rolled_back_note",
)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin, RowActionAdmin):
    refusals = (InvalidTransition, Stale, UnknownName)
    refusal_text = "{row}: {error}"
    list_display = [
        "title",
        "about",
        "status",
        "expected_short",
        "realised_value",
        "actor",
        "proposed_at",
    ]
    list_filter = ["status", "verdict", "kind", "automation", "mode", "proposed_at"]
    search_fields = ["title", "subject", "actor", "note"]
    date_hierarchy = "proposed_at"
    actions = ["approve_selected", "reject_selected", "roll_back_selected"]
    actions_detail = ["approve", "reject", "roll_back"]
    change_form_outer_before_template = "admin/undo.html"
    fieldsets = [
        (None, {"fields": ["named_title", "status", "verdict", "about", "change"]}),
        ("Expected and realised", {"fields": ["expected_effect", "realised_value", "due_at"]}),
        ("Guardrails", {"fields": ["guardrail_results", "mode"]}),
        ("Who and when", {"fields": ["proposed_at", *OPTIONAL_FIELDS]}),
        ("Origin", {"fields": ["automation", "run", "kind", "method", "inputs_digest"]}),
    ]

    def has_decide_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm(reports.APPROVE))

    def get_fieldsets(self, request: HttpRequest, obj: Decision | None = None) -> Any:
        """The fields, without optional ones that are empty."""
        optional = (*OPTIONAL_FIELDS, "verdict", "due_at", "run")
        empty = {name for name in optional if not getattr(obj, name, None)}
        return [
            (title, {"fields": [name for name in options["fields"] if name not in empty]})
            for title, options in self.fieldsets
        ]

    @admin.display(description="title")
    def named_title(self, decision: Decision) -> str:
        """With the present names of what it refers to."""
        return references.resolved([decision.title])[0]

    @admin.display(description="expected")
    def expected_short(self, decision: Decision) -> str:
        """For the list."""
        return expected_text(decision.expected)

    @admin.display(description="expected")
    def expected_effect(self, decision: Decision) -> str:
        return promised(decision.expected)

    @admin.display(description="realised")
    def realised_value(self, decision: Decision) -> str:
        if decision.realised is None:
            return "not measured yet"
        value = realised_text(decision.realised, decision.expected)
        return f"{value}, {decision.get_verdict_display()}"

    @admin.display(description="about")
    def about(self, decision: Decision) -> str:
        path = reports.page(decision)
        return (
            format_html('<a href="{}">{}</a>', path, decision.subject) if path else decision.subject
        )

    @admin.display(description="change")
    def change(self, decision: Decision) -> str:
        """What it changes, one line for each value."""
        lines = reports.changes(decision)
        return format_html_join("", "<div>{}: {} → <b>{}</b></div>", lines) or "no change"

    @admin.display(description="guardrails")
    def guardrail_results(self, decision: Decision) -> str:
        lines = ((guardrail_text(each),) for each in decision.guardrails)
        return format_html_join("", "<div>{}</div>", lines) or "none"

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Only the buttons that the decision's state allows."""
        decision = self.get_object(request, object_id)
        if decision is None:
            return []
        allowed = reports.allowed_steps(decision)
        return [
            each
            for each in super().get_actions_detail(request, object_id)
            if TARGETS[each.method.original_function_name] in allowed
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """An applied decision says how it is undone, to who may do it."""
        decision = self.get_object(request, object_id)
        undo = decision and self.has_decide_permission(request) and undo_notice(decision)
        shown: HttpResponse = super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "undo": undo}
        )
        return shown

    @button("Approve", "approve", "decide")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, ACTIONS["approve"])

    @button("Reject", "reject", "decide")
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, ACTIONS["reject"])

    @button("Roll back", "roll-back", "decide")
    def roll_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, ACTIONS["roll_back"])

    @admin.action(description="Approve", permissions=["decide"])
    def approve_selected(self, request: HttpRequest, chosen: QuerySet[Decision]) -> None:
        self.act_on_each(request, chosen, ACTIONS["approve"])

    @admin.action(description="Reject", permissions=["decide"])
    def reject_selected(self, request: HttpRequest, chosen: QuerySet[Decision]) -> None:
        self.act_on_each(request, chosen, ACTIONS["reject"])

    @admin.action(description="Roll back", permissions=["decide"])
    def roll_back_selected(self, request: HttpRequest, chosen: QuerySet[Decision]) -> None:
        self.act_on_each(request, chosen, ACTIONS["roll_back"])


class FourEyesRuleForm(forms.ModelForm[FourEyesRule]):
    kind = forms.ChoiceField(
        choices=lambda: sorted(kinds().items()), widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = FourEyesRule
        fields = ["kind", "is_on"]


def kinds() -> dict[str, str]:
    """The kinds of decisions and of other approvals, with their titles."""
    approved = (each for each in decision_type_registry if not each.is_recorded)
    return {each.name: each.title for each in (*approved, *approval_kind_registry)}


@admin.register(FourEyesRule)
class FourEyesRuleAdmin(ModelAdmin):
    """Only who may change people sets these rules, not who they bind."""

    form = FourEyesRuleForm
    list_display = ["kind", "is_on"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MAY_SET_RULES))

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.has_perm(MAY_SET_RULES))

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return bool(request.user.has_perm(MAY_SET_RULES))
