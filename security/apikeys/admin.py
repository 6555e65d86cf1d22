"""Admin screens of API keys: create, rotate, revoke; a new key is shown once."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from aethercrown.admin_actions import button, change_url, confirmation_page, list_url
from aethercrown.formatting import counted, moment_text
from aethercrown.http.sessions import fresh_login
from security.access.reports import person
from security.apikeys import networks, scopes, services
from security.apikeys.models import ApiKey
from security.apikeys.reports import held_scopes
from security.apikeys.scopes import REVEAL


class IssueForm(forms.ModelForm[ApiKey]):
    scopes = forms.TypedMultipleChoiceField(
        choices=[(each, each) for each in scopes.GRANTABLE],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What the key opens; only what you may do yourself. Writing does not include "
        "reading.",
    )

    reason = forms.CharField(
        max_length=200,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=f"For a key with {REVEAL}: what it is for. The audit keeps it.",
    )

    class Meta:
        model = ApiKey
        fields = ["name", "scopes", "expires_at", "allowed_networks", "burst", "rate_per_second"]

    def clean_expires_at(self) -> Any:
        at = self.cleaned_data["expires_at"]
        if at is not None and at <= timezone.now():
            raise forms.ValidationError("This is in the past.")
        return at

    def clean_allowed_networks(self) -> str:
        try:
            return networks.normalize(self.cleaned_data["allowed_networks"])
        except networks.InvalidNetwork as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any] | None:
        for name in ("burst", "rate_per_second"):
            given = self.cleaned_data.get(name)
            if given is not None and given <= 0:
                self.add_error(name, "Give a number above 0, or leave it empty.")
        try:
            services.check_reason(
                self.cleaned_data.get("scopes", ()), self.cleaned_data.get("reason", "")
            )
        except services.ReasonRequired as error:
            self.add_error("reason", str(error))
        return super().clean()


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    list_display = [
        *("name", "hint", "state", "areas", "created_by"),
        *("last_used_at", "expires_at", "retire_at"),
    ]
    list_select_related = ["created_by"]
    list_filter = ["created_at", "revoked_at"]
    search_fields = ["name", "last4"]
    form = IssueForm
    actions = ["rotate", "replace", "take_over", "revoke"]
    actions_detail = ["rotate_one", "revoke_one"]
    date_hierarchy = "created_at"

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Sequence[str]:
        return RECORD_FIELDS if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is None:
            return ADD_FIELDSETS
        return [(None, {"fields": RECORD_FIELDS, "description": ROTATE_HINT})]

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """True for the list, so that its actions show; a key's own page has nothing to save."""
        return obj is None and bool(super().has_change_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False  # a revoked key stays, as a record

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Only the scopes that the person may hand out."""
        form = super().get_form(request, *args, **kwargs)
        who = person(request.user)
        if who is not None and "scopes" in form.base_fields:
            held = held_scopes(who)
            choices = [(each, each) for each in scopes.GRANTABLE if each in held]
            form.base_fields["scopes"].choices = choices
        return form

    @admin.display(description="key")
    def hint(self, key: ApiKey) -> str:
        return key.hint

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        return key.state(timezone.now())

    @admin.display(description="scopes")
    def areas(self, key: ApiKey) -> str:
        return "all" if set(key.scopes) == set(scopes.ALL) else ", ".join(key.scopes)

    @fresh_login
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST" and self.has_add_permission(request):
            form = self.get_form(request)(request.POST)
            if form.is_valid():
                return self.show_issued(request, [self.issue(request, form.cleaned_data)])
        shown: HttpResponse = super().add_view(request, form_url, extra_context)
        return shown

    def issue(self, request: HttpRequest, asked: dict[str, Any]) -> services.IssuedKey:
        who = person(request.user)
        limits = services.KeyLimits(
            asked["allowed_networks"], asked["burst"], asked["rate_per_second"]
        )
        issued = services.create(
            asked["name"], asked["scopes"], who, asked["expires_at"],
            limits=limits, reason=asked["reason"],
        )  # fmt: skip
        self.log_addition(request, issued.key, [{"added": {}}])
        return issued

    @admin.action(description="Rotate: the old key works 7 days more", permissions=["change"])
    @fresh_login
    def rotate(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> HttpResponse | None:
        return self.rotate_keys(request, keys, services.GRACE)

    @admin.action(description="Replace: the old key ends at once", permissions=["change"])
    @fresh_login
    def replace(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> HttpResponse | None:
        return self.rotate_keys(request, keys, timedelta(0))

    @admin.action(description="Revoke", permissions=["change"])
    @fresh_login
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> HttpResponse | None:
        """Ask first, and repeat which keys; the page posts the same choice again."""
        if "confirmed" in request.POST:
            self.revoke_keys(request, keys)
            return None
        chosen = [str(each) for each in keys.values_list("pk", flat=True)]
        again = {"action": "revoke", "_selected_action": chosen, "confirmed": "yes"}
        return self.ask_to_revoke(request, list(keys), None, again)

    def ask_to_revoke(
        self, request: HttpRequest, keys: list[ApiKey], row: ApiKey | None, fields: Any
    ) -> HttpResponse:
        used = [(str(key), _last_use(key)) for key in keys]
        question = f"Revoke {counted(len(keys), 'key')}? {REVOKED_AT_ONCE}"
        return confirmation_page(
            self, request, row, question, "Revoke", amounts=used, fields=fields
        )

    def revoke_keys(self, request: HttpRequest, keys: Iterable[ApiKey]) -> None:
        names = []
        for key in keys:
            services.revoke(key.pk, person(request.user))
            self.log_change(request, key, "Revoked.")
            names.append(str(key))
        self.message_user(request, f"Revoked: {', '.join(names)}.")

    def has_manage_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return bool(super().has_change_permission(request))

    @button("Revoke", "revoke", "manage")
    @fresh_login
    def revoke_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = get_object_or_404(ApiKey, pk=object_id)
        if request.method != "POST":
            return self.ask_to_revoke(request, [key], key, {})
        self.revoke_keys(request, [key])
        return redirect(change_url(key))

    @button("Rotate", "rotate", "manage")
    @fresh_login
    def rotate_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = get_object_or_404(ApiKey, pk=object_id)
        if request.method != "POST":
            question = f"Rotate {key}? {ROTATED}"
            return confirmation_page(self, request, key, question, "Rotate")
        shown = self.rotate_keys(request, ApiKey.objects.filter(pk=key.pk), services.GRACE)
        return shown or redirect(change_url(key))

    @admin.action(description="Take over: answer for it from now on", permissions=["change"])
    @fresh_login
    def take_over(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        who = person(request.user)
        for key in keys:
            try:
                if who is not None:
                    services.take_over(key.pk, who)
            except (services.ApiKeyNotActive, scopes.ScopeNotHeld) as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.log_change(request, key, "Taken over.")
                self.message_user(request, f"You answer for {key} now.")

    def rotate_keys(
        self, request: HttpRequest, keys: QuerySet[ApiKey], grace: timedelta
    ) -> HttpResponse | None:
        issued = []
        for key in keys:
            try:
                issued.append(services.rotate(key.pk, grace, person(request.user)))
            except (services.ApiKeyNotActive, scopes.ScopeNotHeld) as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.log_change(request, key, f"Rotated, with {grace} of grace.")
        return self.show_issued(request, issued) if issued else None

    def show_issued(self, request: HttpRequest, issued: list[services.IssuedKey]) -> HttpResponse:
        shown = [IssuedSecret(each.key.name, each.plaintext, describe(each.key)) for each in issued]
        return show_once(
            self, request, shown, "Only a digest is stored. If the key is lost, rotate it."
        )


class IssuedSecret(NamedTuple):
    """A secret on the page that shows it once."""

    title: str
    plaintext: str
    description: str


REVOKED_AT_ONCE = "Whatever uses it is refused from then on. This cannot be undone."
ROTATED = "The new value is shown once; the old one works 7 days more."


def _last_use(key: ApiKey) -> str:
    return f"last used {moment_text(key.last_used_at)}" if key.last_used_at else "never used"


def describe(key: ApiKey) -> str:
    ends = f" Ends {moment_text(key.expires_at)}." if key.expires_at else ""
    return f"Opens {', '.join(key.scopes)}.{ends}"


def show_once(
    screen: ModelAdmin, request: HttpRequest, issued: Sequence[IssuedSecret], after: str
) -> HttpResponse:
    """A page with new secrets; they are in no session, cookie or log."""
    context = {
        **screen.admin_site.each_context(request),
        "title": "Copy it now: it is not shown again",
        "opts": screen.opts,
        "issued": issued,
        "after": after,
        "back": list_url(screen),
        "back_text": f"To the list of {screen.opts.verbose_name_plural}",
    }
    page = TemplateResponse(request, "admin/security/issued.html", context)
    page["Cache-Control"] = "no-store"
    return page


ADD_FIELDSETS = [
    (None, {"fields": ("name", "scopes", "reason", "expires_at")}),
    ("From where and how often", {"fields": ("allowed_networks", "burst", "rate_per_second")}),
]
ROTATE_HINT = "To replace it at once or take it over, choose it in the list of keys."
RECORD_FIELDS = (
    *("name", "hint", "state", "areas", "allowed_networks", "burst", "rate_per_second"),
    *("created_by", "created_at", "last_used_at", "expires_at", "revoked_at"),
    *("replaced_by", "rotated_at", "retire_at", "extended_at"),
)
