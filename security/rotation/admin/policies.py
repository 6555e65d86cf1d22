"""The admin screens of rotation policies and of rotation runs."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from aethercrown.formatting import counted, duration_text
from aethercrown.read_only_admin import ReadOnlyAdmin
from security.rotation import reports, services
from security.rotation.models import RotationPolicy, RotationRun


@admin.register(RotationPolicy)
class RotationPolicyAdmin(ReadOnlyAdmin, ModelAdmin):
    """One row per security level; empty fields take their values from the settings."""

    list_display = ["level", "interval_days", "grace_minutes", "effective_policy"]
    readonly_fields = ["level", "effective_policy"]
    fields = ["level", "interval_days", "grace_minutes", "effective_policy"]
    has_change_permission = ModelAdmin.has_change_permission

    def save_model(self, request: HttpRequest, obj: RotationPolicy, form: Any, change: Any) -> None:
        """Save by the service, which also reschedules the level's keys."""
        services.set_policy(
            obj.level, interval_days=obj.interval_days, grace_minutes=obj.grace_minutes
        )

    @admin.display(description="effective policy")
    def effective_policy(self, row: RotationPolicy) -> str:
        policy = reports.effective_policy(row.level)
        return (
            f"every {counted(policy.interval_days, 'day')}, old values work "
            f"{duration_text(policy.grace)} more"
        )


@admin.register(RotationRun)
class RotationRunAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["begun_at", "due", "rotated", "failed", "held_back", "actor", "paused_because"]
    list_filter = ["begun_at"]
    date_hierarchy = "begun_at"
