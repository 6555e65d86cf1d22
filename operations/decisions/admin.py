"""The admin of decisions, which can be approved, rejected and rolled back, but not edited."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.registry import UnknownName
from aethercrown.transitions import InvalidTransition
from operations.decisions import reports, services, states
from operations.decisions.decision_types import Stale
from operations.decisions.models import Decision

MAY_DECIDE = "security.approve_decisions"  # the permission that makes an approver


@dataclass(frozen=True, slots=True)
class DecisionAction:
    """What a person can do with a decision, and the state that it leads to."""

    verb: str
    done: str
    question: str
    target: str
    act: Callable[..., Decision]


DECISION_ACTIONS = {
    "approve": DecisionAction(
        "Approve",
        "Approved",
        "Approve “{}”? It is then applied at once.",
        states.APPROVED,
        services.approve,
    ),
    "reject": DecisionAction(
        "Reject",
        "Rejected",
        "Reject “{}”? It is not proposed again for the same inputs.",
        states.REJECTED,
        services.reject,
    ),
    "roll_back": DecisionAction(
        "Roll back",
        "Rolled back",
        "Roll back “{}”? The state before it is restored, unless it has changed since.",
        states.ROLLED_BACK,
        services.roll_back,
    ),
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


def has_happened(decision: Decision | None, field: str) -> bool:
    """Whether a field has a value, or always has one."""
    return field not in (*OPTIONAL_FIELDS, "verdict", "due_at", "run") or bool(
        getattr(decision, field, None)
    )


def guardrail_text(guardrail: Mapping[str, Any]) -> str:
    """A guardrail with its result, its value and, if it has one, its limit."""
    value, limit = guardrail["value"], guardrail["limit"]
    passed = "passed" if guardrail["passed"] else "failed"
    name = guardrail["name"].replace("_", " ")
    if isinstance(value, str):
        return f"{passed}: {name}: {value}" if value else f"{passed}: {name}"
    if value is None:
        value = "unknown"
    shown = figure(value) if isinstance(value, float) else str(value)
    within = "" if limit in {None, ""} else f", limit {limit}"
    return f"{passed}: {name} is {shown}{within}"


def figure(value: float) -> str:
    """A number with two decimals, four below 1, without trailing zeros."""
    places = 2 if abs(value) >= 1 else 4
    text = f"{round(value, places) + 0.0:,.{places}f}"
    return text.rstrip("0").rstrip(".")


class NoteForm(forms.Form):
    note = forms.CharField(
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Why; optional.",
    )


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin, ModelAdmin):
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
    fieldsets = [
        (None, {"fields": ["title", "status", "verdict", "about", "change"]}),
        ("Expected and realised", {"fields": ["expected_effect", "realised_value", "due_at"]}),
        ("Guardrails", {"fields": ["guardrail_results", "mode"]}),
        ("Who and when", {"fields": ["proposed_at", *OPTIONAL_FIELDS]}),
        ("Origin", {"fields": ["automation", "run", "kind", "method", "inputs_digest"]}),
    ]

    def has_decide_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm(MAY_DECIDE))

    def get_fieldsets(self, request: HttpRequest, obj: Decision | None = None) -> Any:
        """The fields, without optional ones that are empty."""
        shown = []
        for title, options in self.fieldsets:
            fields = [each for each in options["fields"] if has_happened(obj, each)]
            shown.append((title, {"fields": fields}))
        return shown

    @admin.display(description="promised")
    def expected_short(self, decision: Decision) -> str:
        """For the list."""
        expected = decision.expected
        low, high = figure(expected["low"]), figure(expected["high"])
        return f"{figure(expected['estimate'])} {expected['unit']} ({low} to {high})"

    @admin.display(description="promised")
    def expected_effect(self, decision: Decision) -> str:
        expected = decision.expected
        low, high = figure(expected["low"]), figure(expected["high"])
        return (
            f"{figure(expected['estimate'])} {expected['unit']} {expected['metric']}"
            f" ({expected['level']:.0%}: {low} to {high})"
        )

    @admin.display(description="realised")
    def realised_value(self, decision: Decision) -> str:
        if decision.realised is None:
            return "not measured yet"
        unit = decision.expected["unit"]
        return f"{figure(decision.realised['value'])} {unit}, {decision.get_verdict_display()}"

    @admin.display(description="about")
    def about(self, decision: Decision) -> str:
        path = reports.page(decision)
        return (
            format_html('<a href="{}">{}</a>', path, decision.subject) if path else decision.subject
        )

    @admin.display(description="change")
    def change(self, decision: Decision) -> str:
        """What it changes, one line for each value."""
        before, after = reports.flatten(decision.before), reports.flatten(decision.after)
        lines = (
            (name, before.get(name, "nothing"), after.get(name, "nothing"))
            for name in {**before, **after}
            if before.get(name) != after.get(name)
        )
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
        allowed = states.TRANSITIONS.get(decision.status, ())
        return [
            each
            for each in super().get_actions_detail(request, object_id)
            if DECISION_ACTIONS[each.method.original_function_name].target in allowed
        ]

    @button("Approve", "approve", "decide")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, "approve")

    @button("Reject", "reject", "decide")
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, "reject")

    @button("Roll back", "roll-back", "decide")
    def roll_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, "roll_back")

    @admin.action(description="Approve", permissions=["decide"])
    def approve_selected(self, request: HttpRequest, chosen: QuerySet[Decision]) -> None:
        self.act_on_each(request, chosen, "approve")

    @admin.action(description="Reject", permissions=["decide"])
    def reject_selected(self, request: HttpRequest, chosen: QuerySet[Decision]) -> None:
        self.act_on_each(request, chosen, "reject")

    @admin.action(description="Roll back", permissions=["decide"])
    def roll_back_selected(self, request: HttpRequest, chosen: QuerySet[Decision]) -> None:
        self.act_on_each(request, chosen, "roll_back")

    def confirm(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask for a note and a confirmation, then act; a GET changes nothing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        decision = get_object_or_404(Decision, pk=object_id)
        form = NoteForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            self.act(request, decision, name, form.cleaned_data["note"])
            return redirect(change_url(decision))
        chosen = DECISION_ACTIONS[name]
        question = chosen.question.format(decision)
        return confirmation_page(self, request, decision, question, chosen.verb, form=form)

    def act_on_each(self, request: HttpRequest, chosen: QuerySet[Decision], name: str) -> None:
        for decision in chosen.order_by("pk"):
            self.act(request, decision, name, "")

    def act(self, request: HttpRequest, decision: Decision, name: str, note: str) -> None:
        """Do it in the person's name, and show how it went."""
        done = DECISION_ACTIONS[name].done
        try:
            DECISION_ACTIONS[name].act(
                decision.pk, actor=request.user.get_username(), note=note, now=timezone.now()
            )
        except (InvalidTransition, Stale, UnknownName) as error:
            self.message_user(request, f"{decision}: {error}", messages.ERROR)
        else:
            self.log_change(request, decision, f"{done}. {note}".strip())
            self.message_user(request, f"{done}: {decision}.")
