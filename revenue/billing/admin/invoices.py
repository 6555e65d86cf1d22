"""Meters, daily use and invoices as staff see them; services write all but the meters."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline

from aethercrown.csv.admin import FilesAdmin
from revenue.billing.models import Adjustment, DailyUse, Invoice, Meter


class Booked:
    """Services write these rows, so nobody edits them here."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Meter)
class MeterAdmin(ModelAdmin):
    list_display = ["title", "code", "unit", "part", "combine"]
    list_filter = ["part", "combine"]
    search_fields = ["title", "code"]

    def get_readonly_fields(self, request: HttpRequest, obj: Meter | None = None) -> list[str]:
        """What is billed by it already stays as it was counted."""
        used = obj is not None and obj.daily_use.exists()
        return ["code", "part", "combine"] if used else ["code"] if obj else []


@admin.register(DailyUse)
class DailyUseAdmin(Booked, FilesAdmin):
    list_display = ["day", "customer", "meter", "quantity", "is_correction", "booked_at"]
    list_filter = ["meter", "is_correction"]
    list_select_related = ["customer", "meter"]
    search_fields = ["customer__name", "customer__external_id"]
    date_hierarchy = "day"
    import_kinds = ("billed-use",)
    export_kind = "billed-use"

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Totals come in by file although no row is written by hand."""
        return bool(request.user.has_perm("revenue.add_dailyuse"))


class AdjustmentInline(Booked, TabularInline):
    model = Adjustment
    fk_name = "invoice"
    fields = ["of", "rated", "amount"]
    extra = 0


@admin.register(Invoice)
class InvoiceAdmin(Booked, FilesAdmin):
    list_display = ["period_start", "customer", "total", "carried", "currency", "issued_at"]
    list_filter = ["currency", "period_start"]
    list_select_related = ["customer"]
    search_fields = ["customer__name", "customer__external_id"]
    date_hierarchy = "period_start"
    inlines = [AdjustmentInline]
    export_kind = "invoices"
    fields = [
        "customer",
        "period_start",
        "period_end",
        "total",
        "carried",
        "currency",
        "explanation",
        "version",
        "digest",
        "inputs",
        "stays",
        "issued_at",
        "issued_by",
    ]

    @admin.display(description="how it came about")
    def explanation(self, invoice: Any) -> str:
        path = f"/dashboards/revenue/bills/{invoice.customer_id}?month={invoice.period_start}"
        return format_html('<a href="{}">Line by line</a>', path)
