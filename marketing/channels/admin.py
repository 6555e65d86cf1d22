"""Admin screens of channels and their rows, with CSV import and export."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.admin import ModelAdmin

from aethercrown.admin_actions import button
from aethercrown.csv.admin import CSVAdmin
from marketing.channels import services
from marketing.channels.models import CalendarFlag, Channel, LiftTest, Performance, TotalRevenue


@admin.register(Channel)
class ChannelAdmin(CSVAdmin):
    list_display = ["name", "currency", "is_active", "is_held", "floor", "ceiling"]
    list_editable = ["is_active", "is_held", "floor", "ceiling"]
    list_filter = ["is_active", "is_held", "currency"]
    search_fields = ["name", "notes"]
    fieldsets = [
        (None, {"fields": ["name", "currency", "is_active", "notes"]}),
        ("Limits", {"fields": ["is_held", "floor", "ceiling"]}),
        ("Causal effect", {"fields": ["incrementality", "platform_roi"]}),
    ]
    import_kinds = ("channels",)
    export_kind = "channels"


@admin.register(Performance)
class PerformanceAdmin(CSVAdmin):
    list_display = ["date", "channel", "spend", "revenue", "currency"]
    list_filter = ["channel", "currency", "date"]
    list_select_related = ["channel"]
    date_hierarchy = "date"
    autocomplete_fields = ["channel"]
    import_kinds = ("budget-performance", "budget-weekly")
    export_kind = "budget-performance"
    actions_list = ["import_file", *CSVAdmin.actions_list]

    @button("Import a file of any program", "import-file", "import")
    def import_file(self, _request: HttpRequest) -> HttpResponse:
        return redirect("/dashboards/imports?kind=budget-performance")

    def save_model(
        self, request: HttpRequest, row: Performance, form: Any, *_change: Any, **_: Any
    ) -> None:
        services.keep_edited(row)

    def delete_model(self, request: HttpRequest, row: Performance) -> None:
        services.delete_rows([row])

    def delete_queryset(self, request: HttpRequest, rows: QuerySet[Performance]) -> None:
        services.delete_rows(rows)


@admin.register(TotalRevenue)
class TotalRevenueAdmin(CSVAdmin):
    list_display = ["date", "amount", "currency"]
    list_filter = ["currency", "date"]
    date_hierarchy = "date"
    import_kinds = ("budget-totals", "budget-weekly")
    export_kind = "budget-totals"


@admin.register(CalendarFlag)
class CalendarFlagAdmin(ModelAdmin):
    list_display = ["date", "name", "value"]
    list_filter = ["name"]
    date_hierarchy = "date"


@admin.register(LiftTest)
class LiftTestAdmin(ModelAdmin):
    list_display = ["channel", "starts_on", "ends_on", "spend", "revenue", "standard_error"]
    list_filter = ["channel"]
    list_select_related = ["channel"]
    autocomplete_fields = ["channel"]
