"""The admin screen of secret bindings: which stored secret may be used where."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from aethercrown.http.sessions import fresh_login
from security.rotation.models import SecretBinding


@admin.register(SecretBinding)
class SecretBindingAdmin(ModelAdmin):
    """Changes ask for a fresh sign-in; the history keeps who made them."""

    list_display = ["key", "purpose", "host", "port", "tls", "networks"]
    list_filter = ["purpose", "tls"]
    search_fields = ["key__key_id", "host"]
    autocomplete_fields = ["key"]
    fieldsets = [
        (None, {"fields": ["key", "purpose", "host", "port"]}),
        ("Terms", {"fields": ["tls", "ca_certificate", "networks"]}),
    ]

    @fresh_login
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(request, *args, **kwargs)

    @fresh_login
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        page: HttpResponse = super().delete_view(request, *args, **kwargs)
        return page

    def get_actions(self, request: HttpRequest) -> Any:
        """None: deleting many at once would ask for no fresh sign-in."""
        return {}
