"""The admin of imports: read-only; the pages import and undo."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.admin import ModelAdmin

from aethercrown.admin_actions import button
from aethercrown.read_only_admin import ReadOnlyAdmin
from operations.imports.models import DataImport


@admin.register(DataImport)
class DataImportAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["file_name", "kind", "state", "records", "created_by", "created_at"]
    list_filter = ["kind", "state", "created_at"]
    search_fields = ["file_name", "created_by"]
    date_hierarchy = "created_at"
    exclude = ["content"]
    actions_detail = ["open_page"]

    @button("Open its page", "open-page", "view")
    def open_page(self, _request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect(f"/dashboards/imports/{object_id}")
