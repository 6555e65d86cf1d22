"""The admin of alerts, which can be acknowledged, resolved and silenced, and of silences."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from operations.alerts import services
from operations.alerts.models import Alert, Silence

MAY_OPERATE = "security.operate"
MAX_SILENCE_HOURS = 24 * 30
OPTIONAL_FIELDS = (
    "acknowledged_at",
    "acknowledged_by",
    "resolved_at",
    "resolved_by",
    "note",
    "notified_at",
)


class AlertActionForm(forms.Form):
    note = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Why; optional.",
    )


class SilenceForm(AlertActionForm):
    hours = forms.IntegerField(
        min_value=1,
        max_value=MAX_SILENCE_HOURS,
        initial=4,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="No message of this alert is sent for so long.",
    )


@dataclass(frozen=True, slots=True)
class AlertAction:
    """What can be done about an alert; `act` does it and returns a past participle."""

    verb: str
    question: str
    act: Callable[[Alert, str, Mapping[str, Any]], str]
    form: type[AlertActionForm] = AlertActionForm


def acknowledge(alert: Alert, actor: str, given: Mapping[str, Any]) -> str:
    services.acknowledge(alert.pk, actor=actor, note=given["note"], now=timezone.now())
    return "Acknowledged"


def resolve(alert: Alert, actor: str, given: Mapping[str, Any]) -> str:
    services.close(alert.pk, actor=actor, note=given["note"], now=timezone.now())
    return "Resolved"


def silence(alert: Alert, actor: str, given: Mapping[str, Any]) -> str:
    until = timezone.now() + timedelta(hours=given["hours"])
    services.silence(alert.pk, actor=actor, note=given["note"], until=until)
    return f"Silenced for {given['hours']} hours"


ACKNOWLEDGE_ACTION = AlertAction("Acknowledge", "Acknowledge “{}”? Its reminders end.", acknowledge)
RESOLVE_ACTION = AlertAction(
    "Resolve", "Resolve “{}”? If it is raised again within ten minutes, it is reopened.", resolve
)
SILENCE_ACTION = AlertAction("Silence", "Hold back the messages of “{}”?", silence, SilenceForm)


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["what", "severity", "state", "count", "last_seen_at", "acknowledged_by"]
    list_filter = ["state", "severity", "source", "kind", "last_seen_at"]
    search_fields = ["subject", "message", "note"]
    date_hierarchy = "last_seen_at"
    actions = ["acknowledge_selected", "resolve_selected"]
    actions_detail = ["acknowledge", "resolve", "silence"]

    def get_fieldsets(self, request: HttpRequest, obj: Alert | None = None) -> Any:
        """The fields; those of OPTIONAL_FIELDS only if they have a value."""
        optional = [each for each in OPTIONAL_FIELDS if obj and getattr(obj, each)]
        return [
            (None, {"fields": ["message", "severity", "state", "where"]}),
            ("When", {"fields": ["count", "first_seen_at", "last_seen_at", *optional]}),
            ("Fingerprint", {"fields": ["source", "kind", "subject"]}),
        ]

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))

    @admin.display(description="alert", ordering="subject")
    def what(self, alert: Alert) -> str:
        return str(alert)

    @admin.display(description="where to look")
    def where(self, alert: Alert) -> str:
        is_local = alert.link.startswith("/") and not alert.link.startswith("//")
        link = format_html('<a href="{}">{}</a>', alert.link, alert.link)
        return link if is_local else alert.link or "nowhere"

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """No button on a resolved alert; "Acknowledge" only on an open one."""
        alert = self.get_object(request, object_id)
        if alert is None or alert.state == Alert.State.RESOLVED:
            return []
        is_open = alert.state == Alert.State.OPEN
        return [
            each
            for each in super().get_actions_detail(request, object_id)
            if is_open or each.method.original_function_name != "acknowledge"
        ]

    @button("Acknowledge", "acknowledge", "operate")
    def acknowledge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, ACKNOWLEDGE_ACTION)

    @button("Resolve", "resolve", "operate")
    def resolve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, RESOLVE_ACTION)

    @button("Silence", "silence", "operate")
    def silence(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm(request, object_id, SILENCE_ACTION)

    @admin.action(description="Acknowledge", permissions=["operate"])
    def acknowledge_selected(self, request: HttpRequest, chosen: QuerySet[Alert]) -> None:
        for alert in chosen.order_by("pk"):
            self.act(request, alert, ACKNOWLEDGE_ACTION, {"note": ""})

    @admin.action(description="Resolve", permissions=["operate"])
    def resolve_selected(self, request: HttpRequest, chosen: QuerySet[Alert]) -> None:
        for alert in chosen.order_by("pk"):
            self.act(request, alert, RESOLVE_ACTION, {"note": ""})

    def confirm(self, request: HttpRequest, object_id: str, action: AlertAction) -> HttpResponse:
        """Ask for a note and a confirmation, then act; a GET changes nothing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        alert = get_object_or_404(Alert, pk=object_id)
        form = action.form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            self.act(request, alert, action, form.cleaned_data)
            return redirect(change_url(alert))
        question = action.question.format(alert)
        return confirmation_page(self, request, alert, question, action.verb, form=form)

    def act(
        self,
        request: HttpRequest,
        alert: Alert,
        action: AlertAction,
        given: Mapping[str, Any],
    ) -> None:
        """Do it in the person's name, and show how it went."""
        try:
            done = action.act(alert, request.user.get_username(), given)
        except InvalidTransition as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, alert, f"{done}. {given['note']}".strip())
            self.message_user(request, f"{done}: {alert}.")


@admin.register(Silence)
class SilenceAdmin(ModelAdmin):
    list_display = ["source", "kind", "subject", "until", "note", "created_by"]
    list_filter = ["until"]
    fields = ["source", "kind", "subject", "until", "note"]

    def save_model(self, request: HttpRequest, obj: Silence, form: Any, change: Any) -> None:
        if not change:
            obj.created_by = request.user.get_username()
        super().save_model(request, obj, form, change)
