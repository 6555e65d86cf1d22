"""The forms of managed keys, the steps that staff can take, and the screens of their rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from security.rotation import registry, reports, services
from security.rotation.models import ManagedSecret, RotationPolicy, RotationRun
from security.rotation.policy import LEVELS, MEDIUM


def secret_input(help_text: str, *, required: bool = False) -> forms.CharField:
    """Never filled in again by us, and never by a browser."""
    return forms.CharField(
        max_length=registry.MAX_VALUE_LENGTH,
        label="Value",
        required=required,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=help_text,
    )


def kinds() -> list[tuple[str, str]]:
    return [(name, registry.named(name).title) for name in registry.names()]


def actor(request: HttpRequest) -> str:
    return f"user:{request.user.get_username()}"


class RegisterForm(forms.Form):
    """What `services.register` takes."""

    key_id = forms.CharField(
        label="Name",
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="What the key is called here and in the API, such as billing-signing-secret.",
    )
    key_type = forms.CharField(
        label="Type",
        max_length=50,
        initial="secret",
        widget=UnfoldAdminTextInputWidget,
        help_text="What it is, in your words: signing_secret, database_password.",
    )
    level = forms.ChoiceField(
        choices=[(each, each) for each in LEVELS], initial=MEDIUM, widget=UnfoldAdminSelectWidget
    )
    rotator = forms.ChoiceField(
        label="How it rotates", choices=kinds, initial="generated", widget=UnfoldAdminSelectWidget
    )
    value = secret_input("Its present value. Empty: one is made, and shown once.")
    config = forms.JSONField(
        label="What its rotator needs",
        required=False,
        initial=dict,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Nothing for generated and manual keys; docs/security.md has the others.",
    )
    owner = forms.CharField(
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="Whom to ask about it.",
    )


class RotateForm(forms.Form):
    grace_minutes = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=366 * 24 * 60,
        widget=UnfoldAdminIntegerFieldWidget,
        label="Minutes that the old value still works",
        help_text="Empty: what its level says.",
    )


class PasteForm(RotateForm):
    value = secret_input("As it stands where it was changed.", required=True)
    field_order = ["value", "grace_minutes"]


class CompromiseForm(forms.Form):
    force = forms.BooleanField(
        required=False,
        label="Revoke the old value even where no new one can be set",
        help_text="Whatever uses the key then stops until a new value is registered.",
    )


class ForceForm(forms.Form):
    force = forms.BooleanField(
        required=False, label="Even over the hour's limit, and where passes were paused"
    )


class PlainForm(forms.Form):
    """Nothing to fill in, only to confirm."""


@dataclass(frozen=True, slots=True)
class Step:
    """What can be done about a key; `act` gives what was done, and a rotation if there was one."""

    verb: str
    question: str
    act: Callable[[str, str, Mapping[str, Any]], services.RotationResult | None]
    form: type[forms.Form] = PlainForm
    states: frozenset[str] = field(default=frozenset({"active", "failed"}))
    rotators: frozenset[str] = frozenset()


def grace(given: Mapping[str, Any]) -> timedelta | None:
    minutes = given.get("grace_minutes")
    return None if minutes is None else timedelta(minutes=minutes)


def rotated(key_id: str, actor: str, given: Mapping[str, Any]) -> services.RotationResult:
    return services.rotate(key_id, grace=grace(given), value=given.get("value"), actor=actor)


def compromised(key_id: str, actor: str, given: Mapping[str, Any]) -> services.RotationResult:
    force = given.get("force", False)
    return services.rotate(key_id, reason=services.COMPROMISED, force=force, actor=actor)


def registered(form: RegisterForm, actor: str) -> services.Registered | None:
    """The key; None where the service refuses it, which the form then says at its field."""
    given = dict(form.cleaned_data)
    given["value"] = given["value"] or None
    given["config"] = given["config"] or {}
    try:
        return services.register(given.pop("key_id"), given.pop("key_type"), actor=actor, **given)
    except services.InvalidArgument as error:
        name = error.field.partition(".")[0]
        form.add_error(name if name in form.fields else None, str(error))
    except services.WrongStep as error:
        form.add_error("key_id", str(error))
    return None


def done(service: Callable[..., object]) -> Callable[[str, str, Mapping[str, Any]], None]:
    def act(key_id: str, actor: str, _given: Mapping[str, Any]) -> None:
        service(key_id, actor=actor)

    return act


STEPS = {
    "rotate_now": Step(
        "Rotate now",
        "Make a new value for “{}” current? The old one still works for a while.",
        rotated,
        RotateForm,
    ),
    "paste": Step(
        "Paste a new value",
        "Which value does “{}” have now? The old one still works for a while.",
        rotated,
        PasteForm,
        rotators=frozenset({"manual"}),
    ),
    "compromise": Step(
        "It is compromised",
        "Replace “{}” and refuse the old value at once, without grace?",
        compromised,
        CompromiseForm,
    ),
    "rehearse": Step(
        "Rehearse",
        "Make a value for “{}”, set it beside, test it and take it back? Nothing changes.",
        done(services.rehearse),
    ),
    "pause": Step(
        "Pause", "Stop rotating “{}” until it is resumed? Its value works on.", done(services.pause)
    ),
    "resume": Step(
        "Resume",
        "Let “{}” rotate again?",
        done(services.resume),
        states=frozenset({"paused"}),
    ),
    "revoke": Step(
        "Revoke for good",
        "Refuse every value of “{}” at once, and erase them? This cannot be undone.",
        done(services.revoke),
        states=frozenset({"active", "paused", "failed"}),
    ),
}


def fits(step: Step, key: ManagedSecret) -> bool:
    """Whether the step makes sense for a key in its state and of its kind."""
    return key.state in step.states and (not step.rotators or key.rotator in step.rotators)


@admin.register(RotationPolicy)
class PolicyAdmin(ModelAdmin):
    """One row a level; what is empty stands in the settings."""

    list_display = ["level", "interval_days", "grace_minutes", "holds"]
    readonly_fields = ["level", "holds"]
    fields = ["level", "interval_days", "grace_minutes", "holds"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: RotationPolicy | None = None
    ) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: RotationPolicy, form: Any, change: Any) -> None:
        """By the service, which gives the keys of the level their new times at once."""
        services.set_policy(
            obj.level,
            interval_days=obj.interval_days,
            grace_minutes=obj.grace_minutes,
            actor=actor(request),
        )

    @admin.display(description="holds now")
    def holds(self, policy: RotationPolicy) -> str:
        terms = reports.terms(policy.level)
        hours = terms.grace / timedelta(hours=1)
        return f"every {terms.interval_days} days, old values work {hours:g} h more"


@admin.register(RotationRun)
class PassAdmin(ModelAdmin):
    """What each pass over the due keys did."""

    list_display = ["begun_at", "due", "rotated", "failed", "held_back", "actor", "paused_because"]
    list_filter = ["begun_at"]
    date_hierarchy = "begun_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: RotationRun | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RotationRun | None = None) -> bool:
        return False
