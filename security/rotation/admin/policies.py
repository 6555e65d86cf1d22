"""Managed keys as staff see them: registered, rotated, paused and ended; values are shown once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from security.access.api import fresh_login
from security.apikeys.admin import IssuedSecret, show_once
from security.compliance import services as evidence
from security.rotation import reports, schedule, services
from security.rotation.admin.keys import (
    STEPS,
    ForceForm,
    RegisterForm,
    Step,
    actor,
    fits,
    registered,
)
from security.rotation.models import ManagedSecret, SecretVersion

Page = Callable[[Any, HttpRequest, str], HttpResponse]
Whole = Callable[[Any, HttpRequest], HttpResponse]
AFTER = "The platform keeps it encrypted, or only its digest; no page shows it again."
WORDS = {"overdue": "overdue", "due_soon": "due within 7 days", "healthy": "healthy"}


def button(name: str) -> Page:
    """A button on the page of one key, for those who may change keys."""

    def press(self: "KeyAdmin", request: HttpRequest, object_id: str) -> HttpResponse:
        return self.step(request, object_id, STEPS[name])

    press.__name__ = name
    decorated: Page = action(
        description=STEPS[name].verb, permissions=["steps"], url_path=name.replace("_", "-")
    )(press)
    return decorated


def shown(rotation: services.RotationResult) -> Shown:
    until = rotation.previous_valid_until
    old = f" The old value works until {until:%Y-%m-%d %H:%M} UTC." if until else ""
    words = f"Version {rotation.version}.{old} {rotation.action_required}"
    return IssuedSecret(rotation.key_id, rotation.new_key or "", words.strip())


def above(description: str, permission: str, path: str) -> Callable[[Whole], Whole]:
    """A button above the list."""
    decorate: Callable[[Whole], Whole] = action(
        description=description, permissions=[permission], url_path=path
    )
    return decorate


class VersionInline(TabularInline):
    """What a key had, newest first: never a value."""

    model = SecretVersion
    extra = 0
    can_delete = False
    ordering = ["-number"]
    fields = readonly_fields = [
        "number",
        "state",
        "reason",
        "hint",
        "actor",
        "current_at",
        "retire_at",
        "last_used_at",
        "ended_at",
        "destroyed_at",
    ]

    def has_add_permission(self, request: HttpRequest, obj: ManagedSecret | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ManagedSecret | None = None) -> bool:
        return False

    @admin.display(description="known by")
    def hint(self, version: SecretVersion) -> str:
        return f"{version.prefix}…{version.last4}" if version.last4 else ""


class StandingFilter(admin.SimpleListFilter):
    title = "next rotation"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return list(WORDS.items())

    def queryset(
        self, request: HttpRequest, keys: QuerySet[ManagedSecret]
    ) -> QuerySet[ManagedSecret]:
        now = timezone.now()
        soon = now + schedule.SOON
        bounds: dict[str, dict[str, datetime]] = {
            "overdue": {"next_rotation_at__lte": now},
            "due_soon": {"next_rotation_at__gt": now, "next_rotation_at__lte": soon},
            "healthy": {"next_rotation_at__gt": soon},
        }
        return keys.filter(**bounds.get(self.value() or "", {}))


@admin.register(ManagedSecret)
class KeyAdmin(ModelAdmin):
    list_display = [
        "key_id",
        "key_type",
        "level",
        "rotator",
        "state",
        "standing",
        "version",
        "due_at",
        "last_rotated_at",
        "owner",
    ]
    list_filter = ["level", "state", StandingFilter, "rotator"]
    search_fields = ["key_id", "owner", "key_type"]
    inlines = [VersionInline]
    actions = ["rotate_selected"]
    actions_list = ["rotate_due", "evidence_pack"]
    actions_detail = list(STEPS)

    # --- What is shown ------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> QuerySet[ManagedSecret]:
        return reports.keys()

    fieldsets = [
        (None, {"fields": ["key_id", "key_type", "level", "state", "standing", "owner"]}),
        ("When", {"fields": ["created_at", "last_rotated_at", "due_at", "rotation_approved_at"]}),
        ("How", {"fields": ["rotator", "config", "interval_days", "eligible_at"]}),
        ("What failed", {"fields": ["fail_count", "next_attempt_at", "last_error"]}),
    ]

    @admin.display(description="standing", ordering="due_at")
    def standing(self, key: ManagedSecret) -> str:
        return WORDS[schedule.standing(key, timezone.now())]

    @admin.display(description="version")
    def version(self, key: Any) -> int | None:
        number: int | None = key.version
        return number

    # --- Who may ------------------------------------------------------------------------------
    def has_change_permission(self, request: HttpRequest, obj: ManagedSecret | None = None) -> bool:
        """For the actions; a key's own page has buttons, and nothing to save."""
        return obj is None and bool(super().has_change_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: ManagedSecret | None = None) -> bool:
        return False  # an ended key stays, with what it had

    def has_steps_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(request.user.has_perm("security.change_managedsecret"))

    # --- Registering --------------------------------------------------------------------------
    @fresh_login
    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RegisterForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            made = registered(form, actor(request))
            if made is not None:
                return self.welcomed(request, made)
        question = "Put a secret under management. It is rotated from then on."
        return self.asked(request, "Register a key", question, "Register", form)

    def welcomed(self, request: HttpRequest, made: services.Registered) -> HttpResponse:
        if made.is_new:
            self.log_addition(request, made.key, [{"added": {}}])
        if made.secret is None:
            said = "is under management" if made.is_new else "was under management already"
            self.message_user(request, f"{made.key} {said}.")
            return redirect("admin:security_managedsecret_change", made.key.pk)
        words = f"Version {made.version.number}, current from now on."
        return show_once(self, request, [IssuedSecret(made.key.key_id, made.secret, words)], AFTER)

    def asked(
        self, request: HttpRequest, title: str, question: str, verb: str, form: forms.Form
    ) -> HttpResponse:
        """A page that asks once; a GET changes nothing."""
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "form": form,
            "question": question,
            "verb": verb,
            "back": reverse("admin:security_managedsecret_changelist"),
        }
        return TemplateResponse(request, "admin/confirm_action.html", context)

    # --- Steps --------------------------------------------------------------------------------
    rotate_now = button("rotate_now")
    paste = button("paste")
    compromise = button("compromise")
    rehearse = button("rehearse")
    pause = button("pause")
    resume = button("resume")
    revoke = button("revoke")

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Only what can be done about this key in its state."""
        key = self.get_object(request, object_id)
        if key is None:
            return []
        return [
            each
            for each in super().get_actions_detail(request, object_id)
            if fits(STEPS[each.method.original_function_name], key)
        ]

    @fresh_login
    def step(self, request: HttpRequest, object_id: str, wanted: Step) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = get_object_or_404(ManagedSecret, pk=object_id)
        form = wanted.form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            page = self.taken(request, key, wanted, form.cleaned_data)
            return page or redirect("admin:security_managedsecret_change", key.pk)
        question = wanted.question.format(key.key_id)
        return self.asked(request, key.key_id, question, wanted.verb, form)

    def taken(
        self, request: HttpRequest, key: ManagedSecret, wanted: Step, given: Mapping[str, Any]
    ) -> HttpResponse | None:
        """Take one step in the person's name; the page with a new value where there is one."""
        try:
            rotation = wanted.act(key.key_id, actor(request), given)
        except (services.WrongStep, services.InvalidArgument) as error:
            self.message_user(request, f"{key}: {error}", messages.ERROR)
            return None
        self.log_change(request, key, f"{wanted.verb}.")
        if rotation is not None and rotation.new_key is not None:
            return show_once(self, request, [shown(rotation)], AFTER)
        more = rotation.action_required if rotation else ""
        self.message_user(request, f"{wanted.verb}: {key}. {more}".strip())
        return None

    # --- Many ---------------------------------------------------------------------------------
    @admin.action(description="Rotate now", permissions=["change"])
    @fresh_login
    def rotate_selected(
        self, request: HttpRequest, keys: QuerySet[ManagedSecret]
    ) -> HttpResponse | None:
        """Every new value on one page."""
        issued = []
        for key in keys.order_by("pk"):
            try:
                rotation = services.rotate(key.key_id, actor=actor(request))
            except (services.WrongStep, services.InvalidArgument) as error:
                self.message_user(request, f"{key}: {error}", messages.ERROR)
                continue
            self.log_change(request, key, "Rotated.")
            if rotation.new_key is not None:
                issued.append(shown(rotation))
            else:
                self.message_user(request, f"{key}: {rotation.action_required or 'rotated.'}")
        return show_once(self, request, issued, AFTER) if issued else None

    @above("Rotate what is due", "steps", "rotate-due")
    def rotate_due(self, request: HttpRequest) -> HttpResponse:
        form = ForceForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            if form.cleaned_data["force"]:
                services.resume_runs(actor=actor(request))
            passed = services.rotate_due(actor=actor(request), force=form.cleaned_data["force"])
            for each in passed.failures:
                self.message_user(request, f"{each.key_id}: {each.error}", messages.ERROR)
            if passed.paused_because:
                self.message_user(request, passed.paused_because, messages.WARNING)
            self.message_user(
                request, f"{len(passed.rotations)} rotated, {passed.held_back} held back."
            )
            return redirect("admin:security_managedsecret_changelist")
        question = "Rotate every key that is due, the oldest first, within the hour's limit?"
        return self.asked(request, "Rotate what is due", question, "Rotate what is due", form)

    @above("Evidence pack", "view", "evidence-pack")
    def evidence_pack(self, request: HttpRequest) -> HttpResponse:
        """The zip for an auditor; taking it is recorded."""
        name, content = evidence.pack(timezone.now(), actor=actor(request))
        page = HttpResponse(content, content_type="application/zip")
        page["Content-Disposition"] = f'attachment; filename="{name}"'
        return page
