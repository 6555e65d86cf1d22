"""The admin screen of rotation runs, read-only."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from security.rotation.models import RotationRun


@admin.register(RotationRun)
class RotationRunAdmin(ModelAdmin):
    list_display = ["begun_at", "due", "rotated", "failed", "held_back", "actor", "paused_because"]
    list_filter = ["begun_at"]
    date_hierarchy = "begun_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: RotationRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RotationRun | None = None) -> bool:
        return False
