"""The chain as it is, for reading only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from security.audit.models import Anchor, Event


class Kept(ModelAdmin):
    """Nobody adds, changes or deletes here, whatever role he has."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(Kept):
    list_display = ["at", "event", "subject", "actor", "stream", "seq"]
    list_filter = ["at", "event"]
    search_fields = ["subject", "actor", "event", "stream"]
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": ["at", "event", "subject", "actor", "detail"]}),
        ("Its place in the chain", {"fields": ["stream", "seq", "previous", "hash"]}),
    ]


@admin.register(Anchor)
class AnchorAdmin(Kept):
    list_display = ["number", "at", "kind", "streams", "root"]
    fields = ["number", "at", "kind", "streams", "root", "ends", "previous", "mark"]
