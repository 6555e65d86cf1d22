"""Alerts as staff see them: acknowledged, resolved, silenced; raised by the platform only."""

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
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from operations.alerts import services
from operations.alerts.models import Alert, Silence

MAY_OPERATE = "security.operate"
LONGEST_SILENCE = 24 * 30  # hours
LATER = ("acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by", "note", "told_at")
Page = Callable[[Any, HttpRequest, str], HttpResponse]


class StepForm(forms.Form):
    note = forms.CharField(
        required=False,
        max_length=500,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Why, for those who read it later.",
    )


class SilenceForm(StepForm):
    hours = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_SILENCE,
        initial=4,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="For how long no message of this alert goes out.",
    )


@dataclass(frozen=True, slots=True)
class Step:
    """What can be done about an alert; `act` says in a word what was done."""

    verb: str
    question: str
    act: Callable[[Alert, str, Mapping[str, Any]], str]
    form: type[StepForm] = StepForm


def take_on(alert: Alert, actor: str, given: Mapping[str, Any]) -> str:
    services.acknowledge(alert.pk, actor=actor, note=given["note"], now=timezone.now())
    return "Acknowledged"


def end(alert: Alert, actor: str, given: Mapping[str, Any]) -> str:
    services.close(alert.pk, actor=actor, note=given["note"], now=timezone.now())
    return "Resolved"


def quieten(alert: Alert, actor: str, given: Mapping[str, Any]) -> str:
    until = timezone.now() + timedelta(hours=given["hours"])
    services.silence(alert.pk, actor=actor, note=given["note"], until=until)
    return f"Silenced for {given['hours']} hours"


ACKNOWLEDGE = Step("Acknowledge", "Take on “{}”? Its reminders end.", take_on)
RESOLVE = Step("Resolve", "Is “{}” over? Raised again within ten minutes, it is opened again.", end)
SILENCE = Step("Silence", "Hold back the messages of “{}”?", quieten, SilenceForm)


def button(description: str, path: str) -> Callable[[Page], Page]:
    """A button on the page of one alert, for those who operate."""
    decorate: Callable[[Page], Page] = action(
        description=description, permissions=["operate"], url_path=path
    )
    return decorate


@admin.register(Alert)
class AlertAdmin(ModelAdmin):
    list_display = ["what", "severity", "state", "count", "last_seen_at", "acknowledged_by"]
    list_filter = ["state", "severity", "source", "kind", "last_seen_at"]
    search_fields = ["subject", "message", "note"]
    date_hierarchy = "last_seen_at"
    actions = ["acknowledge_selected", "resolve_selected"]
    actions_detail = ["acknowledge", "resolve", "silence"]

    def get_fieldsets(self, request: HttpRequest, obj: Alert | None = None) -> Any:
        """Without what has not happened yet."""
        later = [each for each in LATER if obj and getattr(obj, each)]
        return [
            (None, {"fields": ["message", "severity", "state", "where"]}),
            ("When", {"fields": ["count", "first_seen_at", "last_seen_at", *later]}),
            ("Fingerprint", {"fields": ["source", "kind", "subject"]}),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))

    # --- What is shown ------------------------------------------------------------------------
    @admin.display(description="alert", ordering="subject")
    def what(self, alert: Alert) -> str:
        return str(alert)

    @admin.display(description="where to look")
    def where(self, alert: Alert) -> str:
        is_ours = alert.link.startswith("/") and not alert.link.startswith("//")
        link = format_html('<a href="{}">{}</a>', alert.link, alert.link)
        return link if is_ours else alert.link or "nowhere"

    # --- What is done -------------------------------------------------------------------------
    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Nothing can be done about what is over, and acknowledging is done once."""
        alert = self.get_object(request, object_id)
        if alert is None or alert.state == Alert.State.RESOLVED:
            return []
        is_open = alert.state == Alert.State.OPEN
        return [
            each
            for each in super().get_actions_detail(request, object_id)
            if is_open or each.method.original_function_name != "acknowledge"
        ]

    @button("Acknowledge", "acknowledge")
    def acknowledge(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.step(request, object_id, ACKNOWLEDGE)

    @button("Resolve", "resolve")
    def resolve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.step(request, object_id, RESOLVE)

    @button("Silence", "silence")
    def silence(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.step(request, object_id, SILENCE)

    @admin.action(description="Acknowledge", permissions=["operate"])
    def acknowledge_selected(self, request: HttpRequest, chosen: QuerySet[Alert]) -> None:
        for alert in chosen.order_by("pk"):
            self.take(request, alert, ACKNOWLEDGE, {"note": ""})

    @admin.action(description="Resolve", permissions=["operate"])
    def resolve_selected(self, request: HttpRequest, chosen: QuerySet[Alert]) -> None:
        for alert in chosen.order_by("pk"):
            self.take(request, alert, RESOLVE, {"note": ""})

    def step(self, request: HttpRequest, object_id: str, wanted: Step) -> HttpResponse:
        """Ask once, with room for a note; a GET changes nothing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        alert = get_object_or_404(Alert, pk=object_id)
        back = reverse("admin:operations_alert_change", args=[alert.pk])
        form = wanted.form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            self.take(request, alert, wanted, form.cleaned_data)
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": str(alert),
            "opts": self.opts,
            "form": form,
            "question": wanted.question.format(alert),
            "verb": wanted.verb,
            "back": back,
        }
        return TemplateResponse(request, "admin/operations/step.html", context)

    def take(
        self, request: HttpRequest, alert: Alert, wanted: Step, given: Mapping[str, Any]
    ) -> None:
        """Take one step in the person's name, and say how it went."""
        try:
            done = wanted.act(alert, request.user.get_username(), given)
        except services.WrongStep as error:
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
