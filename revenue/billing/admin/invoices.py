"""Meters, daily usage and invoices; services write all but the meters."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline

from aethercrown.csv.admin import CSVAdmin
from aethercrown.read_only_admin import ReadOnlyAdmin
from revenue.billing.models import Adjustment, DailyUse, Invoice, Meter


@admin.register(Meter)
class MeterAdmin(ModelAdmin):
    list_display = ["title", "code", "unit", "input_group", "aggregation"]
    list_filter = ["input_group", "aggregation"]
    search_fields = ["title", "code"]

    def get_readonly_fields(self, request: HttpRequest, obj: Meter | None = None) -> list[str]:
        """A meter with stored usage keeps its code, input group and aggregation."""
        used = obj is not None and obj.daily_use.exists()
        return ["code", "input_group", "aggregation"] if used else ["code"] if obj else []


@admin.register(DailyUse)
class DailyUseAdmin(ReadOnlyAdmin, CSVAdmin):
    list_display = ["day", "customer", "meter", "quantity", "is_correction", "booked_at"]
    list_filter = ["meter", "is_correction"]
    list_select_related = ["customer", "meter"]
    search_fields = ["customer__name", "customer__external_id"]
    date_hierarchy = "day"
    import_kinds = ("billed-use",)
    export_kind = "billed-use"

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Totals are imported from files although no row is edited by hand."""
        return bool(request.user.has_perm("revenue.add_dailyuse"))


class AdjustmentInline(ReadOnlyAdmin, TabularInline):
    model = Adjustment
    fk_name = "invoice"
    fields = ["original_invoice", "rated", "amount"]
    extra = 0


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin, CSVAdmin):
    list_display = ["period_start", "customer", "total", "carried", "currency", "issued_at"]
    list_filter = ["currency", "period_start"]
    list_select_related = ["customer"]
    search_fields = ["customer__name", "customer__external_id"]
    date_hierarchy = "period_start"
    inlines = [AdjustmentInline]
    export_kind = "invoices"
    fields = [
        *("customer", "period_start", "period_end", "total", "carried", "currency", "explanation"),
        *("version", "digest", "inputs", "plan_periods", "issued_at", "issued_by"),
    ]

    @admin.display(description="calculation")
    def explanation(self, invoice: Any) -> str:
        path = f"/dashboards/revenue/bills/{invoice.customer_id}?month={invoice.period_start}"
        return format_html('<a href="{}">Line by line</a>', path)
