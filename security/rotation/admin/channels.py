"""The admin screen of delivery channels: how a new value reaches those who use it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.admin import ModelAdmin

from aethercrown.db.config_names import masked_config_text
from aethercrown.db.masked import masked_fieldsets
from aethercrown.http.sessions import fresh_login
from aethercrown.transitions import InvalidTransition
from security.rotation.models import KeyChannel, OutsideTask
from security.rotation.registry import SHOWN
from security.rotation.registry import channels as channels_by_kind
from security.rotation.services import channels


@admin.register(KeyChannel)
class KeyChannelAdmin(ModelAdmin):
    """A channel that was changed is untested until a test, or a read, shows that it works."""

    list_display = ["key", "name", "kind", "tested_at", "error", "read_version", "read_at"]
    list_filter = ["kind"]
    search_fields = ["key__key_id", "name"]
    autocomplete_fields = ["key", "api_key"]
    readonly_fields = ["tested_at", "error", "read_version", "read_at"]
    actions = ["test"]
    fieldsets = [
        (None, {"fields": ["key", "name", "kind", "config", "networks", "api_key"]}),
        ("Test", {"fields": ["tested_at", "error", "read_version", "read_at"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: KeyChannel | None = None) -> Any:
        return masked_fieldsets(self, request, obj, super().get_fieldsets(request, obj))

    @admin.display(description="configuration")
    def masked_config(self, row: KeyChannel) -> str:
        return masked_config_text(row.config, SHOWN)

    @fresh_login
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(request, *args, **kwargs)

    @fresh_login
    def delete_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Refused while something is left outside there: its task would go along."""
        channel = self.get_object(request, object_id)
        left = OutsideTask.objects.filter(channel=channel, state=OutsideTask.State.OPEN).first()
        if channel is not None and left is not None:
            words = f"It is not deleted: close the task outside first ({left.place})."
            self.message_user(request, words, messages.ERROR)
            return redirect("admin:security_keychannel_change", channel.pk)
        page: HttpResponse = super().delete_view(request, object_id, *args, **kwargs)
        return page

    def delete_model(self, request: HttpRequest, obj: KeyChannel) -> None:
        self.warn_of_file(request, obj)
        super().delete_model(request, obj)

    def warn_of_file(self, request: HttpRequest, channel: KeyChannel) -> None:
        """A file that is no longer written keeps the value that it holds."""
        if channels_by_kind.get(channel.kind).keeps_last:
            path = channel.config.get("path", "that it wrote")  # none where it cannot be decrypted
            words = f"The file {path} keeps its value: delete it on that machine."
            self.message_user(request, words, messages.WARNING)

    def get_actions(self, request: HttpRequest) -> Any:
        """Without the one that deletes many at once: it would ask for no fresh sign-in."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(self, request: HttpRequest, obj: KeyChannel, form: Any, change: Any) -> None:
        if form.changed_data:
            obj.tested_at, obj.error = None, ""
        former = KeyChannel.objects.filter(pk=obj.pk).first()
        if former and former.config.get("path") != obj.config.get("path"):
            self.warn_of_file(request, former)
        super().save_model(request, obj, form, change)

    @admin.action(description="Test with the current value", permissions=["change"])
    @fresh_login
    def test(self, request: HttpRequest, chosen: QuerySet[KeyChannel]) -> None:
        for channel in chosen.order_by("pk"):
            try:
                channels.ask_for_test(channel, timezone.now())
            except InvalidTransition as error:
                self.message_user(request, f"{channel}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"A worker tests {channel}: see there in a moment.")
