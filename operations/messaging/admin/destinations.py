"""The admin of destinations and of messages."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminPasswordWidget

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.http import addresses
from aethercrown.monitoring.redaction import mask_address
from aethercrown.read_only_admin import ReadOnlyAdmin
from aethercrown.transitions import InvalidTransition
from operations.messaging import chat, services
from operations.messaging.models import Destination, Message

MIN_SECRET_CHARACTERS = 16
REFRESH_SECONDS = 3  # of the page of a message that waits for its first try
NO_MAIL = "No mail goes out: EMAIL_URL is not set. Messages to e-mail destinations are not sent."
MAY_OPERATE = "security.operate"
MAY_ALLOW = "operations.allow_networks"
CONTENT = [
    *("least_severity", "takes_alerts", "takes_digest", "takes_anchors", "takes_budget_plans"),
    "is_enabled",
]


class DestinationForm(forms.ModelForm[Destination]):
    """An address of the right form for its channel, and a write-only secret."""

    secret = forms.CharField(
        required=False,
        min_length=MIN_SECRET_CHARACTERS,
        max_length=200,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=f"Signs signed webhooks, not those of chats; at least {MIN_SECRET_CHARACTERS}"
        " characters. It is not shown again: leave it empty to keep the stored one.",
    )

    class Meta:
        model = Destination
        fields = ["name", "channel", "address", "networks", *CONTENT]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        address = cleaned.get("address", self.instance.address)
        channel = cleaned.get("channel")
        if channel == Destination.Channel.EMAIL:
            self._check("address", validate_email, address)
        elif channel in {Destination.Channel.WEBHOOK, *chat.CHANNELS}:
            networks = cleaned.get("networks", self.instance.networks)
            self._check("networks", check_networks, networks)
            if not self.errors.get("networks"):
                self._check("address", partial(check_webhook_url, networks=networks), address)
            has_secret = cleaned.get("secret") or self.instance.sealed_secret
            if channel == Destination.Channel.WEBHOOK and not (has_secret or self.errors):
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
    actions_detail = ["send_test"]

    def has_operate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))

    @button("Send a test message", "send-test", "operate")
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        destination = get_object_or_404(Destination, pk=object_id)
        if request.method != "POST":
            question = f"Send a test message to “{destination}”?"
            return confirmation_page(self, request, destination, question, "Send a test message")
        message = services.enqueue_test(destination.pk, timezone.now())
        self.log_change(request, destination, "A test message was sent.")
        return redirect(change_url(message))

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
        if change and "is_enabled" in form.changed_data and obj.is_enabled:
            obj.switched_on_at = timezone.now()
        super().save_model(request, obj, form, change)
        if obj.channel == Destination.Channel.EMAIL and not settings.EMAIL_URL:
            self.message_user(request, NO_MAIL, messages.WARNING)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin, ModelAdmin):
    list_display = [
        *("title", "to", "channel", "state", "waits_for", "tries", "next_at", "created_at")
    ]
    list_filter = ["state", "audience", "channel", "purpose", "destination", "created_at"]
    search_fields = ["title", "event_key", "address", "person"]
    date_hierarchy = "created_at"
    actions = ["send_again"]
    fieldsets = [
        (None, {"fields": ["title", "to", "channel", "state", "error"]}),
        (
            "Course",
            {"fields": ["tries", "next_at", "waits_for", "waits_since", "created_at", "ended_at"]},
        ),
        (
            "Recipient outside",
            {"fields": ["address", "person", "purpose", "mail_kind", "template"]},
        ),
        ("Content", {"fields": ["event_key", "text", "payload"]}),
    ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MAY_OPERATE))

    def change_view(self, request: HttpRequest, object_id: str, *more: Any, **named: Any) -> Any:
        """The page of a message that is on its first way reloads itself."""
        response = super().change_view(request, object_id, *more, **named)
        if response.status_code != HTTPStatus.OK:
            return response
        waiting = [Message.State.QUEUED, Message.State.SENDING]
        if Message.objects.filter(pk=unquote(object_id), state__in=waiting, error="").exists():
            response.headers["Refresh"] = str(REFRESH_SECONDS)
        return response

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
