"""The admin screen of managed keys: register, rotate, pause and end; values are shown once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline

from aethercrown.admin_actions import button, change_url, confirmation_page
from aethercrown.db.config_names import masked_config_text
from aethercrown.db.masked import masked_fieldsets
from aethercrown.formatting import moment_text
from aethercrown.history.attribution import actor_of
from aethercrown.http.sessions import fresh_login
from aethercrown.read_only_admin import ReadOnlyAdmin
from security.access.reports import person
from security.apikeys.admin import IssuedSecret, show_once
from security.apikeys.reports import held_scopes
from security.apikeys.scopes import ScopeNotHeld
from security.rotation import reports, services
from security.rotation.admin.forms import (
    KEY_ACTIONS,
    KeyAction,
    RegisterForm,
    RotateDueForm,
    register,
)
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.registry import SHOWN
from security.rotation.results import RotationResult
from security.rotation.rotators.apikey import check_scopes_held

KeyView = Callable[[Any, HttpRequest, str], HttpResponse]
STORED_ENCRYPTED = "The platform stores it encrypted, or only its digest; no page shows it again."
MAX_NAMED = 20
STATUS_LABELS = {
    "failing": "failing",
    "overdue": "overdue",
    "due_soon": "due soon",
    "healthy": "healthy",
}
ROTATE_DUE = "Rotate due keys"


def check_scopes(request: HttpRequest, rotator: str, config: Any) -> None:
    """Refuse to hand out an API key with scopes that the person does not hold."""
    who = person(request.user)
    if who is None or not isinstance(config, dict):
        return
    try:
        check_scopes_held(rotator, config, held_scopes(who), who.get_username())
    except ScopeNotHeld as error:
        raise PermissionDenied(str(error)) from error


def key_action(name: str) -> KeyView:
    """A button on the page of one key, for users who may change keys."""

    def view(self: "ManagedSecretAdmin", request: HttpRequest, object_id: str) -> HttpResponse:
        return self.confirm_action(request, object_id, KEY_ACTIONS[name])

    view.__name__ = name
    return button(KEY_ACTIONS[name].label, name.replace("_", "-"), "rotate")(view)


def issued(rotation: RotationResult) -> IssuedSecret:
    until = rotation.previous_valid_until
    old = f" The old value works until {moment_text(until)}." if until else ""
    text = f"Version {rotation.version}.{old} {rotation.action_required}"
    return IssuedSecret(rotation.key_id, rotation.new_key or "", text.strip())


class SecretVersionInline(ReadOnlyAdmin, TabularInline):
    model = SecretVersion
    extra = 0
    ordering = ["-number"]
    fields = readonly_fields = [
        *("number", "state", "reason", "hint", "actor", "current_at", "retire_at"),
        *("last_used_at", "ended_at", "destroyed_at"),
    ]

    @admin.display(description="hint")
    def hint(self, version: SecretVersion) -> str:
        return f"{version.prefix}…{version.last4}" if version.last4 else ""


class DueStatusFilter(admin.SimpleListFilter):
    title = "rotation status"
    parameter_name = "due_status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return list(STATUS_LABELS.items())

    def queryset(
        self, request: HttpRequest, keys: QuerySet[ManagedSecret]
    ) -> QuerySet[ManagedSecret]:
        now = timezone.now()
        soon = reports.due_soon_at(now)
        bounds = {
            "overdue": Q(due_at__lte=now),
            "due_soon": Q(due_at__gt=now) & soon,
            "healthy": Q(due_at__gt=now) & ~soon,
        }
        failed = ManagedSecret.State.FAILED
        if self.value() in bounds:
            live = keys.filter(state__in=reports.LIVE_STATES)
            return live.filter(bounds[self.value() or ""]).exclude(state=failed)
        return keys.filter(state=failed) if self.value() == "failing" else keys


@admin.register(ManagedSecret)
class ManagedSecretAdmin(ModelAdmin):
    list_display = [
        *("key_id", "key_type", "level", "rotator", "state", "status", "version", "due_at"),
        *("last_rotated_at", "owner"),
    ]
    list_filter = ["level", "state", DueStatusFilter, "rotator"]
    search_fields = ["key_id", "owner", "key_type"]
    inlines = [SecretVersionInline]
    actions = ["rotate_selected"]
    actions_list = ["rotate_due"]
    actions_detail = list(KEY_ACTIONS)
    fieldsets = [
        (None, {"fields": ["key_id", "key_type", "level", "state", "status", "owner"]}),
        (
            "Schedule",
            {"fields": ["created_at", "last_rotated_at", "due_at", "rotation_approved_at"]},
        ),
        ("Rotator", {"fields": ["rotator", "config", "interval_days", "eligible_at"]}),
        ("Failures", {"fields": ["fail_count", "next_attempt_at", "last_error"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: ManagedSecret | None = None) -> Any:
        return masked_fieldsets(self, request, obj, super().get_fieldsets(request, obj))

    @admin.display(description="rotator configuration")
    def masked_config(self, row: ManagedSecret) -> str:
        return masked_config_text(row.config, SHOWN)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ManagedSecret]:
        return reports.keys_with_version()

    @admin.display(description="status", ordering="due_at")
    def status(self, key: ManagedSecret) -> str:
        if key.state not in reports.LIVE_STATES:
            return key.state  # which is not rotated any more, so neither due nor healthy
        return STATUS_LABELS[reports.status_of(key, timezone.now())]

    @admin.display(description="version")
    def version(self, key: Any) -> Any:
        return key.version

    # --- Permissions --------------------------------------------------------------------------
    def has_change_permission(self, request: HttpRequest, obj: ManagedSecret | None = None) -> bool:
        """For actions on the list; a key's own page has buttons and nothing to save."""
        return obj is None and bool(super().has_change_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: ManagedSecret | None = None) -> bool:
        return False  # ended keys stay, with their versions

    def has_rotate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm("security.change_managedsecret"))

    # --- Register -----------------------------------------------------------------------------
    @fresh_login
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RegisterForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            check_scopes(request, form.cleaned_data["rotator"], form.cleaned_data["config"])
            registered = register(form, actor_of(request))
            if registered is not None:
                return self.show_registered(request, registered)
        question = "Register a secret as a managed key. It is rotated from then on."
        return confirmation_page(
            self, request, None, question, "Register", form=form, title="Register a key"
        )

    def show_registered(
        self, request: HttpRequest, registered: services.Registered
    ) -> HttpResponse:
        key = registered.key
        if registered.is_new:
            self.log_addition(request, key, [{"added": {}}])
        if registered.secret is None:
            self.message_user(
                request, f"{key} {'is' if registered.is_new else 'was already'} registered."
            )
            return redirect(change_url(key))
        text = f"Version {registered.version.number}, current from now on."
        secret = IssuedSecret(key.key_id, registered.secret, text)
        return show_once(self, request, [secret], STORED_ENCRYPTED)

    # --- Actions on one key -------------------------------------------------------------------
    rotate_now = key_action("rotate_now")
    enter_value = key_action("enter_value")
    mark_compromised = key_action("mark_compromised")
    rehearse = key_action("rehearse")
    edit = key_action("edit")
    pause = key_action("pause")
    resume = key_action("resume")
    revoke = key_action("revoke")

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Only the actions that apply to the key in its state."""
        key = self.get_object(request, object_id)
        if key is None:
            return []
        return [
            each
            for each in super().get_actions_detail(request, object_id)
            if KEY_ACTIONS[each.method.original_function_name].applies_to(key)
        ]

    @fresh_login
    def confirm_action(
        self, request: HttpRequest, object_id: str, chosen: KeyAction
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = get_object_or_404(ManagedSecret, pk=object_id)
        current = {"level": key.level, "owner": key.owner, "config": key.config}
        form = chosen.form(request.POST if request.method == "POST" else None, initial=current)
        if request.method == "POST" and form.is_valid():
            secret = self.perform(request, key, chosen, form.cleaned_data)
            if secret is not None:
                return show_once(self, request, [secret], STORED_ENCRYPTED)
            return redirect(change_url(key))
        question = chosen.question.format(key.key_id)
        return confirmation_page(self, request, key, question, chosen.label, form=form)

    def perform(
        self, request: HttpRequest, key: ManagedSecret, chosen: KeyAction, data: Mapping[str, Any]
    ) -> IssuedSecret | None:
        """Perform an action; the new value to show, if there is one."""
        if chosen in (KEY_ACTIONS["rotate_now"], KEY_ACTIONS["mark_compromised"]):
            check_scopes(request, key.rotator, key.config)
        try:
            rotation = chosen.act(key.key_id, actor_of(request), data)
        except (services.InvalidTransition, services.InvalidArgument) as error:
            self.message_user(request, f"{key}: {error}", messages.ERROR)
            return None
        self.log_change(request, key, f"{chosen.label}.")
        if rotation is not None and rotation.new_key is not None:
            return issued(rotation)
        action_required = rotation.action_required if rotation else ""
        self.message_user(request, f"{chosen.label}: {key}. {action_required}".strip())
        return None

    # --- Actions on many keys -----------------------------------------------------------------
    @admin.action(description="Rotate now", permissions=["change"])
    @fresh_login
    def rotate_selected(
        self, request: HttpRequest, keys: QuerySet[ManagedSecret]
    ) -> HttpResponse | None:
        """Rotate the selected keys and show all new values on one page."""
        chosen = KEY_ACTIONS["rotate_now"]
        found = [self.perform(request, key, chosen, {}) for key in keys.order_by("pk")]
        secrets = [each for each in found if each is not None]
        return show_once(self, request, secrets, STORED_ENCRYPTED) if secrets else None

    @button(ROTATE_DUE, "rotate-due", "rotate")
    @fresh_login
    def rotate_due(self, request: HttpRequest) -> HttpResponse:
        form = RotateDueForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            force = form.cleaned_data["force"]
            if force:
                services.resume_runs(actor=actor_of(request))
            result = services.rotate_due_for(actor_of(request), force=force)
            for each in result.failures:
                self.message_user(request, f"{each.key_id}: {each.error}", messages.ERROR)
            if result.paused_because:
                self.message_user(request, result.paused_because, messages.WARNING)
            self.message_user(
                request,
                f"{len(result.rotations)} rotated, {len(result.under_way)} begun by a worker, "
                f"{result.held_back} over the hourly limit.",
            )
            if result.by_hand:
                names = ", ".join(result.by_hand[:MAX_NAMED])
                text = f"Without a tested delivery channel, so rotate them by hand: {names}."
                self.message_user(request, text, messages.WARNING)
            return redirect("admin:security_managedsecret_changelist")
        question = "Rotate the keys that are due, the longest due first, within the hourly limit?"
        return confirmation_page(
            self, request, None, question, ROTATE_DUE, form=form, title=ROTATE_DUE
        )
