"""MRR movements, read-only, in their own list and on the customer's page."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from unfold.admin import TabularInline

from aethercrown.csv.admin import CSVAdmin
from aethercrown.formatting import money, signed
from aethercrown.read_only_admin import ReadOnlyAdmin
from revenue.customers.admin import CustomerAdmin
from revenue.mrr.models import MrrMovement
from revenue.mrr.movements import MovementKind


class SignedChange:
    """A column with the movement's change of MRR: contraction and churn are negative."""

    @admin.display(description="change", ordering="amount")
    def change(self, movement: Any) -> str:
        change = MovementKind(movement.kind).sign * movement.amount
        text = signed(change, money(movement.currency))
        return format_html('<span class="figure-cell">{}</span>', text)


class MovementInline(SignedChange, ReadOnlyAdmin, TabularInline):
    model = MrrMovement
    fields = ["on", "effective_on", "kind", "change", "after", "cause", "is_adjustment"]
    readonly_fields = ["change"]
    extra = 0


CustomerAdmin.inlines.append(MovementInline)  # `customers` does not import the ledger


@admin.register(MrrMovement)
class MrrMovementAdmin(SignedChange, ReadOnlyAdmin, CSVAdmin):
    list_display = [
        *("on", "customer", "kind", "change", "currency"),
        *("after", "effective_on", "cause", "is_adjustment"),
    ]
    list_filter = ["kind", "currency", "is_adjustment", "cause"]
    list_select_related = ["customer"]
    search_fields = ["customer__name", "customer__external_id"]
    date_hierarchy = "on"
    readonly_fields = ["change"]
    export_kind = "mrr-movements"
