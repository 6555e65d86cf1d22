"""MRR movements, read-only, in their own list and on the customer's page."""

from django.contrib import admin
from unfold.admin import TabularInline

from aethercrown.csv.admin import CSVAdmin
from aethercrown.read_only_admin import ReadOnlyAdmin
from revenue.customers.admin import CustomerAdmin
from revenue.mrr.models import MrrMovement


class MovementInline(ReadOnlyAdmin, TabularInline):
    model = MrrMovement
    fields = ["on", "effective_on", "kind", "amount", "after", "cause", "is_adjustment"]
    extra = 0


CustomerAdmin.inlines.append(MovementInline)  # `customers` does not import the ledger


@admin.register(MrrMovement)
class MrrMovementAdmin(ReadOnlyAdmin, CSVAdmin):
    list_display = [
        *("on", "customer", "kind", "amount", "currency"),
        *("after", "effective_on", "cause", "is_adjustment"),
    ]
    list_filter = ["kind", "currency", "is_adjustment", "cause"]
    list_select_related = ["customer"]
    search_fields = ["customer__name", "customer__external_id"]
    date_hierarchy = "on"
    export_kind = "mrr-movements"
