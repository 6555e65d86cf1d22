"""The admin of destinations and of messages."""

from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminPasswordWidget

from aethercrown.http import addresses
from aethercrown.monitoring.redaction import mask_address
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from operations.messaging import services
from operations.messaging.models import Destination, Message

MIN_SECRET_CHARACTERS = 16
NO_MAIL = "No mail goes out: EMAIL_URL is not set. Messages to e-mail destinations are not sent."
MAY_OPERATE = "security.operate"
MAY_ALLOW = "operations.allow_networks"
CONTENT = ["least_severity", "takes_alerts", "takes_digest", "takes_anchors", "is_enabled"]


class DestinationForm(forms.ModelForm[Destination]):
    """An address of the right form for its channel, and a write-only secret."""

    secret = forms.CharField(
        required=False,
        min_length=MIN_SECRET_CHARACTERS,
        max_length=200,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=f"Signs the webhooks; at least {MIN_SECRET_CHARACTERS} characters. It is not"
        " shown again: leave it empty to keep the stored one.",
    )

    class Meta:
        model = Destination
        fields = ["name", "channel", "address", "networks", *CONTENT]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        address = cleaned.get("address", self.instance.address)
        if cleaned.get("channel") == Destination.Channel.EMAIL:
            self._check("address", validate_email, address)
        elif cleaned.get("channel") == Destination.Channel.WEBHOOK:
            networks = cleaned.get("networks", self.instance.networks)
            self._check("networks", check_networks, networks)
            if not self.errors.get("networks"):
                self._check("address", partial(check_webhook_url, networks=networks), address)
            if not (cleaned.get("secret") or self.instance.sealed_secret or self.errors):
                self.add_error("secret", "A webhook needs a secret to be signed with.")
        return cleaned

    def _check(self, field: str, check: Any, value: str) -> None:
        try:
            check(value)
        except forms.ValidationError as error:
            self.add_error(field, error)


def check_networks(text: str) -> None:
    try:
        addresses.parse_networks(text)
    except addresses.AddressRefused as error:
        raise forms.ValidationError(str(error)) from error


def check_webhook_url(url: str, networks: str) -> None:
    """Refuse a URL that may never be called; a host name's addresses are checked at each call."""
    allowed = addresses.parse_networks(networks)
    ports = addresses.ALL_PORTS if allowed else addresses.ALLOWED_PORTS
    try:
        host = addresses.parse_url(url, ports=ports).host
        if ":" in host or host.replace(".", "").isdigit():
            addresses.check_allowed(host, allowed)
    except addresses.AddressRefused as error:
        raise forms.ValidationError(str(error)) from error


@admin.register(Destination)
class DestinationAdmin(ModelAdmin):
    form = DestinationForm
    list_display = [
        "name",
        "channel",
        "least_severity",
        "takes_alerts",
        "takes_digest",
        "is_enabled",
    ]
    list_filter = ["channel", "is_enabled"]
    search_fields = ["name"]
    readonly_fields = ["where"]

    @admin.display(description="address")
    def where(self, destination: Destination) -> str:
        """Without the path of a URL, which is a secret with many receivers."""
        return mask_address(destination.address, hide_path=True)

    def get_fieldsets(self, request: HttpRequest, obj: Destination | None = None) -> Any:
        may_change = self.has_change_permission(request, obj)
        address = ["address", "secret"] if may_change else ["where"]
        return [
            (None, {"fields": ["name", "channel", *address, "networks"]}),
            ("What it gets", {"fields": CONTENT}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Destination | None = None) -> Any:
        """Without permission to allow networks, a destination inside keeps its address."""
        fields = [*self.readonly_fields]
        if not request.user.has_perm(MAY_ALLOW):
            fields.append("networks")
            if obj is not None and obj.networks:
                fields += ["channel", "address"]
        return fields

    def save_model(
        self, request: HttpRequest, obj: Destination, form: DestinationForm, change: Any
    ) -> None:
        secret = form.cleaned_data["secret"]
        if secret:
            services.set_secret(obj, secret)
        super().save_model(request, obj, form, change)
        if obj.channel == Destination.Channel.EMAIL and not settings.EMAIL_URL:
            self.message_user(request, NO_MAIL, messages.WARNING)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = ["title", "to", "channel", "state", "tries", "next_at", "created_at"]
    list_filter = ["state", "channel", "destination", "created_at"]
    search_fields = ["title", "event_key"]
    date_hierarchy = "created_at"
    actions = ["send_again"]
    fieldsets = [
        (None, {"fields": ["title", "to", "channel", "state", "error"]}),
        ("Course", {"fields": ["tries", "next_at", "created_at", "ended_at"]}),
        ("Content", {"fields": ["event_key", "text", "payload"]}),
    ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        if not settings.EMAIL_URL:
            self.message_user(request, NO_MAIL, messages.WARNING)
        return super().changelist_view(request, extra_context)

    @admin.action(description="Send again", permissions=["operate"])
    def send_again(self, request: HttpRequest, chosen: QuerySet[Message]) -> None:
        """Queue the dead ones; the others are refused."""
        done = 0
        for message in chosen.order_by("pk"):
            try:
                services.send_again(message.pk, timezone.now())
            except InvalidTransition as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.log_change(request, message, "Sent again.")
                done += 1
        if done:
            self.message_user(request, f"Queued again: {done}.")
