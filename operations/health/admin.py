"""Components, incidents and checks in the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from unfold.admin import ModelAdmin

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.db.masked import masked_fieldsets
from aethercrown.formatting import counted, duration_text
from aethercrown.read_only_admin import ReadOnlyAdmin
from operations.health import services
from operations.health.models import Check, Component, Incident
from operations.health.targets import masked

MAY_ALLOW, MAY_OPERATE = "operations.allow_networks", "security.operate"
REFUSED = (services.CheckedJustNow, services.NothingToCheck, services.TooManyChecks)
TARGET = ["name", "kind", "target", "networks"]
RESPONSE = ["method", "status_from", "status_to", "text"]
CERTIFICATE = ["certificate_degraded_days", "certificate_unhealthy_days"]
RULES = [*("parent", "is_required", "is_enabled", "is_public", "check_every_seconds", "slow_ms")]
MAINTENANCE = [
    *("maintenance_until", "maintenance_times", "maintenance_zone", "maintenance_minutes")
]
LATEST_CHECK = ["status", "state", "state_since", "response_time", "error", "checked_at"]
TARGET_KINDS = [each for each in Component.Kind.choices if each[0] != Component.Kind.BUILTIN]


def milliseconds(ms: float | None) -> str:
    """A response time with its unit; empty if there was none."""
    return "" if ms is None else duration_text(ms / 1000)


class ComponentForm(forms.ModelForm[Component]):
    """A target to check; the model validates it."""

    class Meta:
        model = Component
        fields = [*TARGET, *RESPONSE, *CERTIFICATE, *RULES, *MAINTENANCE]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields.get("kind")
        if isinstance(kind, forms.ChoiceField):
            kind.choices = TARGET_KINDS


@admin.register(Component)
class ComponentAdmin(ModelAdmin):
    form = ComponentForm
    list_display = [
        "name",
        "kind",
        "masked_target",
        "status",
        "state",
        "state_since",
        "response_time",
        "is_enabled",
    ]
    list_filter = ["status", "state", "kind", "is_required", "is_enabled"]
    search_fields = ["name"]
    readonly_fields = ["masked_target", *LATEST_CHECK]
    actions = ["end_maintenance"]
    actions_detail = ["check_now"]

    def get_fieldsets(self, request: HttpRequest, obj: Component | None = None) -> Any:
        is_builtin = obj is not None and obj.kind == Component.Kind.BUILTIN
        target = [
            (None, {"fields": TARGET}),
            ("Expected HTTP response", {"fields": RESPONSE}),
            ("Certificate", {"fields": CERTIFICATE}),
        ]
        fieldsets = [
            *([(None, {"fields": ["name"]})] if is_builtin else target),
            ("Rules", {"fields": RULES}),
            ("Maintenance", {"fields": MAINTENANCE}),
            *([("Latest check", {"fields": LATEST_CHECK})] if obj else []),
        ]
        return masked_fieldsets(self, request, obj, fieldsets)

    def get_readonly_fields(self, request: HttpRequest, obj: Component | None = None) -> Any:
        """Without permission to allow networks, a component with networks keeps its target."""
        fields = [*self.readonly_fields]
        if not request.user.has_perm(MAY_ALLOW):
            fields.append("networks")
            if obj is not None and obj.networks:
                fields += ["kind", "target"]
        if obj is not None and obj.kind == Component.Kind.BUILTIN:
            fields.append("name")
        return fields

    def has_delete_permission(self, request: HttpRequest, obj: Component | None = None) -> bool:
        is_builtin = obj is not None and obj.kind == Component.Kind.BUILTIN
        return not is_builtin and bool(super().has_delete_permission(request, obj))

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))

    @button("Check now", "check-now", "operate")
    def check_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        component = get_object_or_404(Component, pk=object_id)
        if request.method != "POST":
            question = f"Check “{component}” now?"
            return confirmation_page(self, request, component, question, "Check now")
        try:
            found = services.check_now(component.pk)
        except REFUSED as error:
            self.message_user(request, str(error), messages.WARNING)
        else:
            status = found.get_status_display().lower()
            self.message_user(request, f"{found} is {status}. {found.error}".strip())
        return redirect(change_url(component))

    def response_add(self, request: HttpRequest, obj: Component, *more: Any, **named: Any) -> Any:
        """Check a new component at once, so that whoever made it sees whether it works."""
        if obj.is_enabled and self.has_operate_permission(request):
            try:
                found = services.check_now(obj.pk)
            except REFUSED as error:
                self.message_user(request, str(error), messages.WARNING)
            else:
                status = found.get_status_display().lower()
                level = messages.SUCCESS if status == "healthy" else messages.ERROR
                self.message_user(request, f"{found} is {status}. {found.error}".strip(), level)
        return super().response_add(request, obj, *more, **named)

    @admin.display(description="target")
    def masked_target(self, component: Component) -> str:
        return masked(component.target)

    @admin.display(description="last response time", ordering="last_ms")
    def response_time(self, component: Component) -> str:
        return milliseconds(component.last_ms)

    def save_model(
        self, request: HttpRequest, obj: Component, form: ComponentForm, change: Any
    ) -> None:
        """Save only the changed fields, so that a check recorded meanwhile is kept."""
        obj.save(update_fields=form.changed_data if change else None)
        if "is_enabled" in form.changed_data and not obj.is_enabled:
            services.switch_off(obj.pk, timezone.now())

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Checks and incidents are deleted with it, though the admin does not allow that alone."""
        listed, counts, needed, protected = super().get_deleted_objects(objs, request)
        return listed, counts, needed - {"check", "incident"}, protected

    def delete_model(self, request: HttpRequest, obj: Component) -> None:
        self._prepare_deletion(request, obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Component]) -> None:
        for component in queryset:
            self._prepare_deletion(request, component)
        super().delete_queryset(request, queryset)

    def _prepare_deletion(self, request: HttpRequest, component: Component) -> None:
        if orphans := services.prepare_deletion(component.pk, timezone.now()):
            words = f"Without {component}, these have no parent: {', '.join(orphans)}."
            self.message_user(request, words, messages.WARNING)

    @admin.action(
        description="End the maintenance of the selected components", permissions=["change"]
    )
    def end_maintenance(self, request: HttpRequest, queryset: QuerySet[Component]) -> None:
        count = services.end_maintenance(queryset, timezone.now())
        self.message_user(request, f"Ended the maintenance of {counted(count, 'component')}.")


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["component", "started_at", "confirmed_at", "ended_at", "ending", "error"]
    list_filter = ["component", "started_at"]
    list_select_related = ["component"]


@admin.register(Check)
class CheckAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["checked_at", "component", "status", "response_time", "error_kind", "error"]
    list_filter = ["status", "component", "checked_at"]
    list_select_related = ["component"]
    show_full_result_count = False

    @admin.display(description="response time", ordering="response_ms")
    def response_time(self, check: Check) -> str:
        return milliseconds(check.response_ms)
