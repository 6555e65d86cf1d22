"""The admin of imports, which is read-only as the pages import and undo, and of repeating ones."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.read_only_admin import ReadOnlyAdmin
from operations.imports import services
from operations.imports.models import DataImport, RepeatingImport
from operations.imports.registry import import_targets
from operations.jobs.caller import caller_of
from operations.jobs.services import JobLimitReached


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


class RepeatingImportForm(forms.ModelForm[RepeatingImport]):
    """A kind that there is, a place that may be read, choices that mean something."""

    kind = forms.ChoiceField(
        choices=lambda: [(each.kind, each.title) for each in import_targets],
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        model = RepeatingImport
        fields = [
            *("name", "kind", "place", "folder", "pattern", "address", "choices"),
            *("most_new_names", "most_change_percent", "is_enabled"),
        ]

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's hook after the fields
        if not self.errors:
            try:
                services.check_repeating(self.instance)
            except forms.ValidationError as error:
                self._update_errors(error)  # type: ignore[attr-defined]  # the same


@admin.register(RepeatingImport)
class RepeatingImportAdmin(ModelAdmin):
    form = RepeatingImportForm
    list_display = ["name", "kind", "place", "is_enabled", "checked_at", "outcome"]
    list_filter = ["kind", "place", "is_enabled"]
    readonly_fields = ["checked_at", "outcome"]
    actions_detail = ["look_now"]
    fieldsets = [
        (None, {"fields": ["name", "kind", "is_enabled"]}),
        ("Where", {"fields": ["place", "folder", "pattern", "address"]}),
        ("How it is read", {"fields": ["choices"]}),
        ("What a person decides", {"fields": ["most_new_names", "most_change_percent"]}),
        ("Last look", {"fields": ["checked_at", "outcome"]}),
    ]

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm("security.operate"))

    @button("Look now", "look", "operate")
    def look_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(RepeatingImport, pk=object_id)
        if request.method != "POST":
            question = f"Look for new files of {row} now? Each waits for an approval."
            return confirmation_page(self, request, row, question, "Look now")
        try:
            services.request_look(row, caller=caller_of(request), now=timezone.now())
        except JobLimitReached as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, row, "Asked to look.")
            self.message_user(
                request, "A worker looks now; the last look below says what it found."
            )
        return redirect(change_url(row))
