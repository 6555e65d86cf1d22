"""Admin screen of allocations, those in force and previous ones."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from marketing.budget.admin.plans import ReadOnlyBudgetAdmin
from marketing.budget.models import Allocation


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyBudgetAdmin, ModelAdmin):
    list_display = ["channel", "amount", "currency", "valid_from", "valid_to", "decision"]
    list_filter = ["channel", "currency", ("valid_to", admin.EmptyFieldListFilter)]
    list_select_related = ["channel", "decision"]
    date_hierarchy = "valid_from"
