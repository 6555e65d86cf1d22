"""The admin of alerts, which can be acknowledged, resolved and silenced, and of silences."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanWidget,
)

from aethercrown.admin_actions import RowAction, RowActionAdmin, button, note_field
from aethercrown.formatting import counted
from aethercrown.history.attribution import actor_of
from aethercrown.read_only_admin import ReadOnlyAdmin
from operations.alerts import services
from operations.alerts.models import Alert, Silence

MAY_OPERATE = "security.operate"
MAX_SILENCE_HOURS = 24 * 30
MAX_SILENCE = timedelta(days=366)
PATTERNS = ["source", "kind", "subject"]
OPTIONAL_FIELDS = (
    "acknowledged_at",
    "acknowledged_by",
    "resolved_at",
    "resolved_by",
    "note",
    "notified_at",
)


class AlertActionForm(forms.Form):
    note = note_field(500)


class SilenceForm(AlertActionForm):
    hours = forms.IntegerField(
        min_value=1,
        max_value=MAX_SILENCE_HOURS,
        initial=4,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="No message of this alert is sent for so long.",
    )


def acknowledge(alert: Alert, actor: str, given: Mapping[str, Any]) -> str:
    services.acknowledge(alert.pk, actor=actor, note=given["note"], now=timezone.now())
    return "Acknowledged"


def resolve(alert: Alert, actor: str, given: Mapping[str, Any]) -> str:
    services.close(alert.pk, actor=actor, note=given["note"], now=timezone.now())
    return "Resolved"


def silence(alert: Alert, actor: str, given: Mapping[str, Any]) -> str:
    until = timezone.now() + timedelta(hours=given["hours"])
    services.silence(alert.pk, actor=actor, note=given["note"], until=until)
    return f"Silenced for {counted(given['hours'], 'hour')}"


ACKNOWLEDGE_ACTION = RowAction(
    "Acknowledge", "Acknowledge “{}”? Its reminders end.", acknowledge, AlertActionForm
)
RESOLVE_ACTION = RowAction(
    "Resolve",
    "Resolve “{}”? If it is raised again within ten minutes, it is reopened.",
    resolve,
    AlertActionForm,
)
SILENCE_ACTION = RowAction(
    "Silence", "Silence “{}”? Until then no message of it is sent.", silence, SilenceForm
)


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin, RowActionAdmin):
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

    @admin.display(description="page")
    def where(self, alert: Alert) -> str:
        is_local = alert.link.startswith("/") and not alert.link.startswith("//")
        link = format_html('<a href="{}">{}</a>', alert.link, alert.link)
        return link if is_local else alert.link or "no page"

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
        self.act_on_each(request, chosen, ACKNOWLEDGE_ACTION)

    @admin.action(description="Resolve", permissions=["operate"])
    def resolve_selected(self, request: HttpRequest, chosen: QuerySet[Alert]) -> None:
        self.act_on_each(request, chosen, RESOLVE_ACTION)


SCOPES = {  # what a silence covers: its words, and the patterns that it needs
    "subject": ("One subject: the source, kind and subject below", ("source", "kind", "subject")),
    "kind": ("Every alert of one kind: the source and kind below", ("source", "kind")),
    "source": ("Every alert of one source: the source below", ("source",)),
    "everything": ("Every alert of the platform: nobody is told anything", ()),
}


def scope_of(silence: Silence) -> str:
    """The narrowest scope whose patterns say something."""
    if silence.key:
        return "subject"
    said = {each for each in PATTERNS if getattr(silence, each).strip("*?")}
    return next(
        (name for name, (_, needed) in SCOPES.items() if said & set(needed[-1:])), "everything"
    )


class SilenceRowForm(forms.ModelForm[Silence]):
    """A silence that ends in the time to come; how much it covers has to be chosen."""

    scope = forms.ChoiceField(
        label="What it covers",
        choices=[("", "choose"), *((name, words) for name, (words, _) in SCOPES.items())],
        widget=UnfoldAdminSelectWidget,
    )

    is_everything = forms.BooleanField(
        label="Nobody is to be told anything",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Asked once more where it covers every alert of the platform.",
    )

    class Meta:
        model = Silence
        fields = [*PATTERNS, "until", "note"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        is_new = self.instance.pk is None
        self.initial["scope"] = "" if is_new else scope_of(self.instance)
        for each in PATTERNS:
            self.fields[each].required = False
            if self.initial.get(each) == "*":
                self.initial[each] = ""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        now, until = timezone.now(), given.get("until")
        if until is not None and "until" in self.changed_data:
            if until <= now:
                self.add_error("until", "It would end before it begins: name a time to come.")
            elif until > now + MAX_SILENCE:
                self.add_error("until", f"It may last {counted(MAX_SILENCE.days, 'day')} at most.")
        if scope := given.get("scope"):
            self._check_scope(scope, given)
        return given

    def _check_scope(self, scope: str, given: dict[str, Any]) -> None:
        """Set the patterns that the scope implies, and ask for those that it needs."""
        if scope == "everything" and not given.get("is_everything"):
            self.add_error("is_everything", "Tick it, or choose a narrower scope.")
        for each in PATTERNS:
            if each not in SCOPES[scope][1]:
                given[each] = "*"
            elif not given.get(each, "").strip("*?") and not self.instance.key:
                self.add_error(each, "Name it, or choose a wider scope.")


@admin.register(Silence)
class SilenceAdmin(ModelAdmin):
    form = SilenceRowForm
    list_display = ["source", "kind", "subject", "until", "note", "created_by"]
    list_filter = ["until"]
    fields = ["scope", "is_everything", *PATTERNS, "until", "note"]

    def save_model(self, request: HttpRequest, obj: Silence, form: Any, change: Any) -> None:
        if not change:
            obj.created_by = actor_of(request)
        if "subject" in form.changed_data:
            obj.key = ""  # of another alert than that which it silenced
        super().save_model(request, obj, form, change)
