"""The account team, and what counts when steps are given to people."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from enterprise.onboarding.models import OwnerCostWeight, TeamAbsence, TeamMember


class TeamAbsenceInline(TabularInline):
    model = TeamAbsence
    extra = 0


@admin.register(TeamMember)
class TeamMemberAdmin(ModelAdmin):
    list_display = ["name", "roles", "week_hours", "zone", "is_active"]
    search_fields = ["name"]
    inlines = [TeamAbsenceInline]


@admin.register(OwnerCostWeight)
class OwnerCostWeightAdmin(ModelAdmin):
    list_display = ["part", "weight"]
    readonly_fields = ["part"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
