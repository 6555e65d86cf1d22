"""What is checked, as staff keep it, with every outage and the latest looks."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from operations.health import services
from operations.health.models import Check, Component, Incident
from operations.health.targets import masked

MAY_ALLOW = "operations.allow_networks"
ENTERED = [each for each in Component.Kind.choices if each[0] != Component.Kind.PART]


def worded(ms: float | None) -> str:
    """An answer time for people; empty where there was no answer."""
    return "" if ms is None else f"{ms:,.1f} ms"


class ComponentForm(forms.ModelForm[Component]):
    """A target as staff enter it; the model says what may not be called."""

    class Meta:
        model = Component
        fields = [
            "name",
            "kind",
            "target",
            "method",
            "status_from",
            "status_to",
            "text",
            "slow_ms",
            "networks",
            "parent",
            "is_required",
            "is_enabled",
            "maintenance_until",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = self.fields.get("kind")
        if isinstance(kind, forms.ChoiceField):
            kind.choices = ENTERED


@admin.register(Component)
class ComponentAdmin(ModelAdmin):
    form = ComponentForm
    list_display = [
        "name",
        "kind",
        "leads_to",
        "status",
        "state",
        "since",
        "answered",
        "is_enabled",
    ]
    list_filter = ["status", "state", "kind", "is_required", "is_enabled"]
    search_fields = ["name"]
    readonly_fields = ["leads_to", "state", "status", "since", "answered", "error", "checked_at"]
    actions = ["end_maintenance"]

    def get_fieldsets(self, request: HttpRequest, obj: Component | None = None) -> Any:
        is_part = obj is not None and obj.kind == Component.Kind.PART
        common = ["parent", "is_required", "is_enabled", "maintenance_until", "slow_ms"]
        answer = ["method", "status_from", "status_to", "text"]
        entered = [
            (None, {"fields": ["name", "kind", "target", "networks"]}),
            ("A healthy HTTP answer", {"fields": answer}),
        ]
        shown = ["status", "state", "since", "answered", "error", "checked_at"]
        return [
            *([(None, {"fields": ["name"]})] if is_part else entered),
            ("How it counts", {"fields": common}),
            *([("Latest look", {"fields": shown})] if obj else []),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Component | None = None) -> Any:
        """Who may not allow networks may not lead a component elsewhere in allowed ones either."""
        fields = [*self.readonly_fields]
        if not request.user.has_perm(MAY_ALLOW):
            fields.append("networks")
            if obj is not None and obj.networks:
                fields += ["kind", "target"]
        if obj is not None and obj.kind == Component.Kind.PART:
            fields.append("name")
        return fields

    def has_delete_permission(self, request: HttpRequest, obj: Component | None = None) -> bool:
        is_part = obj is not None and obj.kind == Component.Kind.PART
        return not is_part and bool(super().has_delete_permission(request, obj))

    @admin.display(description="target")
    def leads_to(self, component: Component) -> str:
        return masked(component.target)

    @admin.display(description="last answer", ordering="last_ms")
    def answered(self, component: Component) -> str:
        return worded(component.last_ms)

    def save_model(
        self, request: HttpRequest, obj: Component, form: ComponentForm, change: Any
    ) -> None:
        """Save what staff entered alone, so that a look noted meanwhile stays."""
        obj.save(update_fields=form.changed_data if change else None)
        if "is_enabled" in form.changed_data and not obj.is_enabled:
            services.retire(obj.pk, timezone.now())

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its history goes with it, though nobody may delete from history by hand."""
        listed, counts, needed, protected = super().get_deleted_objects(objs, request)
        return listed, counts, needed - {"check", "incident"}, protected

    def delete_model(self, request: HttpRequest, obj: Component) -> None:
        services.retire(obj.pk, timezone.now())
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Component]) -> None:
        for component in queryset:
            services.retire(component.pk, timezone.now())
        super().delete_queryset(request, queryset)

    @admin.action(
        description="End the maintenance of the selected components", permissions=["change"]
    )
    def end_maintenance(self, request: HttpRequest, queryset: QuerySet[Component]) -> None:
        count = services.end_maintenance(queryset, timezone.now())
        self.message_user(request, f"Ended {count}.")


class Seen(ModelAdmin):
    """History: looked at, never changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Incident)
class IncidentAdmin(Seen):
    list_display = ["component", "started_at", "confirmed_at", "ended_at", "ending", "error"]
    list_filter = ["component", "started_at"]
    list_select_related = ["component"]


@admin.register(Check)
class CheckAdmin(Seen):
    list_display = ["at", "component", "status", "answered", "kind", "error"]
    list_filter = ["status", "component", "at"]
    list_select_related = ["component"]
    show_full_result_count = False

    @admin.display(description="answer", ordering="ms")
    def answered(self, check: Check) -> str:
        return worded(check.ms)
