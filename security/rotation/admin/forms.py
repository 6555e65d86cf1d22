"""The forms of managed keys, and the actions that staff can take on one key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from aethercrown.db.masked import MaskedConfigFormField
from aethercrown.transitions import InvalidTransition
from security.rotation import registry, reports, services
from security.rotation.models import ManagedSecret
from security.rotation.results import RotationResult
from security.rotation.schedule import LEVELS, MAX_GRACE_MINUTES, MEDIUM

ONE_LINE = "A browser drops line breaks here: send a value that has some by the API."


def secret_input(help_text: str, *, required: bool = False) -> forms.CharField:
    """A field that neither we nor the browser fill in."""
    return forms.CharField(
        max_length=registry.MAX_VALUE_LENGTH,
        label="Value",
        required=required,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=help_text,
    )


class RegisterForm(forms.Form):
    """The arguments of `services.register`."""

    key_id = forms.CharField(
        label="Name",
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="The key's name here and in the API, such as billing-signing-secret.",
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
        label="Rotator",
        choices=lambda: sorted((each.name, each.title) for each in registry.rotators),
        initial="generated",
        widget=UnfoldAdminSelectWidget,
    )
    value = secret_input(f"The current value. Empty: one is generated and shown once. {ONE_LINE}")
    config = MaskedConfigFormField(
        names=registry.SHOWN,
        label="Rotator configuration",
        required=False,
        initial=dict,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Not needed for generated and manual keys; see docs/security.md for the others.",
    )
    owner = forms.CharField(
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="The person or team responsible.",
    )


class RotateForm(forms.Form):
    grace_minutes = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_GRACE_MINUTES,
        widget=UnfoldAdminIntegerFieldWidget,
        label="Minutes that the old value still works",
        help_text="Empty: the grace period of its security level.",
    )
    end_previous = forms.BooleanField(
        required=False,
        label="End the value before it now, although it was promised to work on",
    )


class EnterValueForm(RotateForm):
    value = secret_input(f"The value that is set at the target now. {ONE_LINE}", required=True)
    field_order = ["value", "grace_minutes", "end_previous"]


class CompromisedForm(forms.Form):
    force = forms.BooleanField(
        required=False,
        label="Revoke the old value even if no new one can be set",
        help_text="Everything that uses the key then stops until a new value is set.",
    )


class ChangeKeyForm(forms.Form):
    """What of a key can be changed; it begins with what is in force."""

    level = forms.ChoiceField(
        choices=[(each, each) for each in LEVELS], widget=UnfoldAdminSelectWidget
    )
    owner = forms.CharField(required=False, max_length=200, widget=UnfoldAdminTextInputWidget)
    config = MaskedConfigFormField(
        names=registry.SHOWN,
        label="Rotator configuration",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


class RotateDueForm(forms.Form):
    force = forms.BooleanField(
        required=False, label="Ignore the hourly limit, and resume paused runs"
    )


@dataclass(frozen=True, slots=True)
class KeyAction:
    """An action on one key. `act` takes (key_id, actor, form data); it may return a rotation."""

    label: str
    question: str
    act: Callable[[str, str, Mapping[str, Any]], RotationResult | None]
    form: type[forms.Form] = forms.Form  # only a confirmation
    states: frozenset[str] = frozenset({"active", "failed"})
    rotators: frozenset[str] = frozenset()  # empty: all

    def applies_to(self, key: ManagedSecret) -> bool:
        return key.state in self.states and (not self.rotators or key.rotator in self.rotators)


def _rotate(key_id: str, actor: str, data: Mapping[str, Any]) -> RotationResult | None:
    given = {name: data.get(name) for name in ("grace_minutes", "value")}
    return _by_worker(key_id, actor, end_previous=data.get("end_previous", False), **given)


def _mark_compromised(key_id: str, actor: str, data: Mapping[str, Any]) -> RotationResult | None:
    force = data.get("force", False)
    return _by_worker(key_id, actor, reason=services.COMPROMISED, force=force)


def _rehearse(key_id: str, actor: str, _data: Mapping[str, Any]) -> RotationResult | None:
    return _by_worker(key_id, actor, rehearse=True)


def _by_worker(key_id: str, actor: str, **asked: Any) -> RotationResult | None:
    """Do it here, or where something outside is called by a worker. Raises UnderWay."""
    key = services.get(key_id)
    known = {name: each for name, each in asked.items() if each is not None}
    if not reports.acts_outside(key):
        return services.rotate_now(key, actor, known)
    made = services.order(key, actor, timezone.now(), **known)
    if not services.wait(made):
        raise UnderWay("A worker goes on with it; do the same again in a moment for the result.")
    return services.collect(made, timezone.now())


class UnderWay(InvalidTransition):
    """A worker has begun, and the person need not wait."""


def _revoke(key_id: str, actor: str, _data: Mapping[str, Any]) -> None:
    services.revoke(key_id, actor=actor, outside_later=True)


def _change(key_id: str, actor: str, data: Mapping[str, Any]) -> None:
    services.change(key_id, actor=actor, **data)


def _without_data(service: Callable[..., None]) -> Callable[[str, str, Mapping[str, Any]], None]:
    def act(key_id: str, actor: str, _data: Mapping[str, Any]) -> None:
        service(key_id, actor=actor)

    return act


def register(form: RegisterForm, actor: str) -> services.Registered | None:
    """Register the key of a valid form; None after adding the service's error to the form."""
    data = dict(form.cleaned_data)
    data["value"] = data["value"] or None
    data["config"] = data["config"] or {}
    try:
        return services.register(data.pop("key_id"), data.pop("key_type"), actor=actor, **data)
    except services.InvalidArgument as error:
        name = error.field.partition(".")[0]
        form.add_error(name if name in form.fields else None, str(error))
    except services.DuplicateKey as error:
        form.add_error("key_id", str(error))
    return None


KEY_ACTIONS = {
    "rotate_now": KeyAction(
        "Rotate now",
        "Make a new value for “{}” current? The old one still works during its grace period.",
        _rotate,
        RotateForm,
    ),
    "enter_value": KeyAction(
        "Enter new value",
        "Enter the new value of “{}”. The old one still works during its grace period.",
        _rotate,
        EnterValueForm,
        rotators=frozenset({"manual"}),
    ),
    "mark_compromised": KeyAction(
        "Mark as compromised",
        "Replace “{}” and refuse the old value at once, without grace?",
        _mark_compromised,
        CompromisedForm,
    ),
    "rehearse": KeyAction(
        "Rehearse",
        "Create a value for “{}”, set it, test it and undo it? The current value stays.",
        _rehearse,
    ),
    "edit": KeyAction(
        "Change",
        "Change “{}”. Its value stays; another configuration is to be rehearsed again.",
        _change,
        ChangeKeyForm,
        states=frozenset({"active", "paused", "failed"}),
    ),
    "pause": KeyAction(
        "Pause",
        "Stop rotating “{}” until it is resumed? Its value still works.",
        _without_data(services.pause),
    ),
    "resume": KeyAction(
        "Resume", "Rotate “{}” again?", _without_data(services.resume), states=frozenset({"paused"})
    ),
    "revoke": KeyAction(
        "Revoke permanently",
        "Refuse every value of “{}” at once, and erase them? This cannot be undone.",
        _revoke,
        states=frozenset({"active", "paused", "failed"}),
    ),
}
