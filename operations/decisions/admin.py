"""The decisions as staff see them: read, approved, rejected and rolled back; never edited."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from operations.decisions import reports, services, states
from operations.decisions.decision_types import UnknownKind
from operations.decisions.models import Decision
from operations.decisions.services import Stale, WrongStep

MAY_DECIDE = "security.approve_decisions"  # the permission that makes an approver
SERVICES: dict[str, Callable[..., Decision]] = {
    "approve": services.approve,
    "reject": services.reject,
    "roll_back": services.roll_back,
}
WANTED = {
    "approve": states.APPROVED,
    "reject": states.REJECTED,
    "roll_back": states.ROLLED_BACK,
}
DONE = {"approve": "Approved", "reject": "Rejected", "roll_back": "Rolled back"}
QUESTIONS = {
    "approve": "Approve “{}”? What it proposes is then done at once.",
    "reject": "Reject “{}”? It is not proposed again for the same inputs.",
    "roll_back": "Roll back “{}”? What was before it is restored, unless it was changed since.",
}


LATER = (
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
    """Whether a field has something to show; only those of later steps may be empty."""
    return field not in (*LATER, "verdict", "due_at", "run") or bool(getattr(decision, field, None))


Page = Callable[[Any, HttpRequest, str], HttpResponse]


def button(description: str, path: str) -> Callable[[Page], Page]:
    """A button on the page of one row, for those who may decide."""
    decorate: Callable[[Page], Page] = action(
        description=description, permissions=["decide"], url_path=path
    )
    return decorate


def judgement(guardrail: Mapping[str, Any]) -> str:
    """One guardrail in words, with its value and, where it has one, its limit."""
    value, limit = guardrail["value"], guardrail["limit"]
    passed = "passed" if guardrail["passed"] else "failed"
    name = guardrail["name"].replace("_", " ")
    if isinstance(value, str):
        return f"{passed}: {name}: {value}" if value else f"{passed}: {name}"
    if value is None:
        value = "unknown"
    told = figure(value) if isinstance(value, float) else str(value)
    within = "" if limit in {None, ""} else f", limit {limit}"
    return f"{passed}: {name} is {told}{within}"


def figure(value: float) -> str:
    """A number as a person writes it: two decimals, four below 1, no zeros at the end."""
    places = 2 if abs(value) >= 1 else 4
    text = f"{round(value, places) + 0.0:,.{places}f}"
    return text.rstrip("0").rstrip(".")


class NoteForm(forms.Form):
    note = forms.CharField(
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Why, for those who read it later.",
    )


@admin.register(Decision)
class DecisionAdmin(ModelAdmin):
    list_display = ["title", "about", "status", "promise", "realised_value", "actor", "proposed_at"]
    list_filter = ["status", "verdict", "kind", "automation", "mode", "proposed_at"]
    search_fields = ["title", "subject", "actor", "note"]
    date_hierarchy = "proposed_at"
    actions = ["approve_selected", "reject_selected", "roll_back_selected"]
    actions_detail = ["approve", "reject", "roll_back"]
    fieldsets = [
        (None, {"fields": ["title", "status", "verdict", "about", "change"]}),
        ("Expected and realised", {"fields": ["promised", "realised_value", "due_at"]}),
        ("Guardrails", {"fields": ["judged", "mode"]}),
        ("Who and when", {"fields": ["proposed_at", *LATER]}),
        ("Origin", {"fields": ["automation", "run", "kind", "method", "inputs_digest"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Decision | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Decision | None = None) -> bool:
        return False

    def has_decide_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm(MAY_DECIDE))

    def get_fieldsets(self, request: HttpRequest, obj: Decision | None = None) -> Any:
        """Without what has not happened yet."""
        shown = []
        for title, options in self.fieldsets:
            fields = [each for each in options["fields"] if has_happened(obj, each)]
            shown.append((title, {"fields": fields}))
        return shown

    # --- What is shown ------------------------------------------------------------------------
    @admin.display(description="promised")
    def promise(self, decision: Decision) -> str:
        """In few words, for the list."""
        told = decision.expected
        low, high = figure(told["low"]), figure(told["high"])
        return f"{figure(told['estimate'])} {told['unit']} ({low} to {high})"

    @admin.display(description="promised")
    def promised(self, decision: Decision) -> str:
        told = decision.expected
        low, high = figure(told["low"]), figure(told["high"])
        return (
            f"{figure(told['estimate'])} {told['unit']} {told['metric']}"
            f" ({told['level']:.0%}: {low} to {high})"
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
        """What it proposes, one line a value."""
        before, after = reports.flatten(decision.before), reports.flatten(decision.after)
        lines = (
            (name, before.get(name, "nothing"), after.get(name, "nothing"))
            for name in {**before, **after}
            if before.get(name) != after.get(name)
        )
        return format_html_join("", "<div>{}: {} → <b>{}</b></div>", lines) or "no change"

    @admin.display(description="guardrails")
    def judged(self, decision: Decision) -> str:
        lines = ((judgement(each),) for each in decision.guardrails)
        return format_html_join("", "<div>{}</div>", lines) or "none"

    # --- What is done -------------------------------------------------------------------------
    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Only the steps that may follow from where the decision stands."""
        decision = self.get_object(request, object_id)
        if decision is None:
            return []
        open_steps = states.TRANSITIONS[decision.status]
        return [
            each
            for each in super().get_actions_detail(request, object_id)
            if WANTED[each.method.original_function_name] in open_steps
        ]

    @button("Approve", "approve")
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.step(request, object_id, "approve")

    @button("Reject", "reject")
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.step(request, object_id, "reject")

    @button("Roll back", "roll-back")
    def roll_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.step(request, object_id, "roll_back")

    @admin.action(description="Approve", permissions=["decide"])
    def approve_selected(self, request: HttpRequest, chosen: QuerySet[Decision]) -> None:
        self.step_each(request, chosen, "approve")

    @admin.action(description="Reject", permissions=["decide"])
    def reject_selected(self, request: HttpRequest, chosen: QuerySet[Decision]) -> None:
        self.step_each(request, chosen, "reject")

    @admin.action(description="Roll back", permissions=["decide"])
    def roll_back_selected(self, request: HttpRequest, chosen: QuerySet[Decision]) -> None:
        self.step_each(request, chosen, "roll_back")

    def step(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask once, with room for a note; a GET changes nothing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        decision = get_object_or_404(Decision, pk=object_id)
        back = reverse("admin:operations_decision_change", args=[decision.pk])
        form = NoteForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            self.take(request, decision, name, form.cleaned_data["note"])
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": str(decision),
            "opts": self.opts,
            "form": form,
            "question": QUESTIONS[name].format(decision),
            "verb": name.replace("_", " ").capitalize(),
            "back": back,
        }
        return TemplateResponse(request, "admin/confirm_action.html", context)

    def step_each(self, request: HttpRequest, chosen: QuerySet[Decision], name: str) -> None:
        for decision in chosen.order_by("pk"):
            self.take(request, decision, name, "")

    def take(self, request: HttpRequest, decision: Decision, name: str, note: str) -> None:
        """Take one step in the person's name, and say how it went."""
        try:
            SERVICES[name](
                decision.pk, actor=request.user.get_username(), note=note, now=timezone.now()
            )
        except (WrongStep, Stale, UnknownKind) as error:
            self.message_user(request, f"{decision}: {error}", messages.ERROR)
        else:
            self.log_change(request, decision, f"{DONE[name]}. {note}".strip())
            self.message_user(request, f"{DONE[name]}: {decision}.")
