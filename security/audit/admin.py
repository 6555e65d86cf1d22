"""Read-only screens of events and anchors."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from aethercrown.read_only_admin import ReadOnlyAdmin
from security.audit.models import Anchor, Event


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["at", "event", "subject", "actor", "stream", "seq"]
    list_filter = ["at", "event"]
    search_fields = ["subject", "actor", "event", "stream"]
    show_full_result_count = False
    fieldsets = [
        (None, {"fields": ["at", "event", "subject", "actor", "detail"]}),
        ("Its place in the chain", {"fields": ["stream", "seq", "previous", "hash"]}),
    ]


@admin.register(Anchor)
class AnchorAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["number", "at", "kind", "streams", "root"]
    fields = ["number", "at", "kind", "streams", "root", "ends", "previous", "mac"]
