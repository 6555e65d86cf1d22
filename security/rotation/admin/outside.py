"""The admin screen of tasks outside: what was ended here and may still work elsewhere."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from aethercrown.history.attribution import actor_of
from aethercrown.http.sessions import fresh_login
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from security.rotation import services
from security.rotation.models import OutsideTask


@admin.register(OutsideTask)
class OutsideTaskAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["key", "place", "state", "tries", "last_error", "created_at", "ended_by"]
    list_filter = ["state"]
    search_fields = ["key__key_id", "place"]
    actions = ["close"]

    def has_close_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("security.change_managedsecret"))

    @admin.action(description="Close: it was ended outside", permissions=["close"])
    @fresh_login
    def close(self, request: HttpRequest, tasks: QuerySet[OutsideTask]) -> None:
        for task in tasks.order_by("pk"):
            try:
                services.close_outside(task.pk, actor_of(request), timezone.now())
            except InvalidTransition as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.log_change(request, task, "Closed.")
                self.message_user(request, f"Closed: {task}.")
