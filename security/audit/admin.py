"""Read-only screens of events and anchors."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from security.audit.models import Anchor, Event


class ReadOnlyAdmin(ModelAdmin):
    """Adding, changing and deleting are refused to every role."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["at", "event", "subject", "actor", "stream", "seq"]
    list_filter = ["at", "event"]
    search_fields = ["subject", "actor", "event", "stream"]
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": ["at", "event", "subject", "actor", "detail"]}),
        ("Its place in the chain", {"fields": ["stream", "seq", "previous", "hash"]}),
    ]


@admin.register(Anchor)
class AnchorAdmin(ReadOnlyAdmin):
    list_display = ["number", "at", "kind", "streams", "root"]
    fields = ["number", "at", "kind", "streams", "root", "ends", "previous", "mac"]
