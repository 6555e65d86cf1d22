"""The allocation in force and those before, to be read."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from marketing.budget.models import Allocation


@admin.register(Allocation)
class AllocationAdmin(ModelAdmin):
    """Decisions write it, so nobody edits it here."""

    list_display = ["channel", "amount", "currency", "valid_from", "valid_to", "decision"]
    list_filter = ["channel", "currency", ("valid_to", admin.EmptyFieldListFilter)]
    list_select_related = ["channel", "decision"]
    date_hierarchy = "valid_from"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Allocation | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Allocation | None = None) -> bool:
        return False
