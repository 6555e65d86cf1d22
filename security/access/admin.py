"""Admin screens of people, roles and second factors.

Nobody grants more than they hold, or changes the account of somebody who holds more; each such
act asks for a fresh sign-in. Only a superuser makes superusers.
"""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from aethercrown.formatting import counted
from aethercrown.http.sessions import fresh_login, reauthentication_redirect
from aethercrown.read_only_admin import ReadOnlyAdmin
from security.access import reports, roles, services
from security.access.models import User

admin.site.unregister([Group, EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken])


class FreshSignInAdmin(admin.ModelAdmin[Any]):
    """Adding, changing and deleting rows, and the actions on them, ask for a fresh sign-in."""

    @fresh_login
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().add_view(request, *args, **kwargs)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """Whoever may only look is not asked."""
        row = self.get_object(request, unquote(object_id))
        changes = row is not None and self.has_change_permission(request, row)
        again = reauthentication_redirect(request) if changes else None
        if again is None and isinstance(row, User) and reports.has_single_sign_on(row):
            messages.info(request, services.ROLES_FROM_PROVIDER)
        return again or super().change_view(request, object_id, *args, **kwargs)

    @fresh_login
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().delete_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        again = reauthentication_redirect(request) if request.method == "POST" else None
        return again or super().changelist_view(request, *args, **kwargs)


class ChangePersonForm(UserChangeForm):
    """Refuses to switch off or demote the last administrator."""

    def clean(self) -> Any:
        cleaned = super().clean()
        given = cleaned or self.cleaned_data
        if not (given.get("is_active", True) and given.get("is_superuser", True)):
            services.lock_administrators()
            if services.is_last_administrator(self.instance):
                raise forms.ValidationError(services.LAST_ADMINISTRATOR)
        return cleaned


class SetPasswordForm(AdminPasswordChangeForm):
    """Refuses to leave the last administrator without a password."""

    def clean(self) -> Any:
        cleaned = super().clean()
        if self.cleaned_data.get("set_usable_password") is False:
            services.lock_administrators()
            if services.is_last_administrator(self.user):
                self.add_error(
                    "password1", services.LAST_ADMINISTRATOR
                )  # beside a field that is shown
        return cleaned


@admin.register(User)
class UserAdmin(FreshSignInAdmin, DjangoUserAdmin[User], ModelAdmin):
    form = ChangePersonForm
    add_form = UserCreationForm
    change_password_form = SetPasswordForm
    list_display = ["username", "email", "is_staff", "is_active", "last_login"]
    readonly_fields = ["last_login", "date_joined"]
    actions = ["end_sessions"]

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def end_sessions(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """End the sessions of the chosen people whom the signed-in person may change."""
        theirs = [each for each in people if not outranked(request, each)]
        ended = services.end_sessions(theirs, except_key=request.session.session_key or "")
        self.message_user(request, f"{counted(ended, 'session')} ended.")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only a superuser makes superusers or grants single permissions."""
        raising = [] if request.user.is_superuser else ["is_superuser", "user_permissions"]
        return [*super().get_readonly_fields(request, obj), *raising]

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Only groups that hold no more than the signed-in person."""
        if db_field.name == "groups":
            kwargs["queryset"] = reports.grantable(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not outranked(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and not (
            outranked(request, obj) or (obj is not None and services.is_last_administrator(obj))
        )

    @fresh_login
    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():  # Django has none here, and the form locks administrators
            return super().user_change_password(request, *args, **kwargs)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        self.delete_queryset(request, User.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """One by one, so that an administrator is left."""
        for person in queryset.order_by("pk"):
            try:
                services.delete(person)
            except services.LastAdministrator as error:
                self.message_user(request, str(error), messages.ERROR)


@admin.register(Group)
class GroupAdmin(FreshSignInAdmin, DjangoGroupAdmin, ModelAdmin):
    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Only permissions that the signed-in person holds."""
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions" and not request.user.is_superuser:
            field.queryset = reports.permission_rows(request.user)
        return field

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not beyond(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and not beyond(request, obj)


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin, FreshSignInAdmin, ModelAdmin):
    """Who has which second factor, never its secret; staff remove one after a lost phone."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    search_fields = ["user__username"]
    list_select_related = ["user"]
    fields = ["user", "type", "created_at", "last_used_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        allowed = bool(ModelAdmin.has_delete_permission(self, request, obj))
        return allowed and not (obj and outranked(request, obj.user))

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        services.remove_factor(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Authenticator]) -> None:
        for number in list(queryset.values_list("pk", flat=True)):
            if row := Authenticator.objects.filter(pk=number).first():  # codes go with the last
                services.remove_factor(row)


@admin.register(SocialAccount)
class SingleSignOnAdmin(ReadOnlyAdmin, FreshSignInAdmin, ModelAdmin):
    """Who signs in at the identity provider; deleting a row ends that way in."""

    list_display = ["user", "uid", "provider", "last_login"]
    search_fields = ["user__username", "uid"]
    list_select_related = ["user"]
    fields = ["user", "uid", "provider", "date_joined", "last_login"]

    def has_delete_permission(self, request: HttpRequest, obj: SocialAccount | None = None) -> bool:
        allowed = bool(ModelAdmin.has_delete_permission(self, request, obj))
        return allowed and not (obj and outranked(request, obj.user))


def outranked(request: HttpRequest, person: User | None) -> bool:
    """Whether `person` holds more than whoever is signed in."""
    actor = reports.person(request.user)
    return person is not None and (actor is None or reports.exceeds(person, actor))


def beyond(request: HttpRequest, group: Group | None) -> bool:
    """Whether the group is a built-in role, or holds more than whoever is signed in."""
    if group is None:
        return False
    actor = reports.person(request.user)
    return (
        is_built_in(group)
        or actor is None
        or not reports.grantable(actor).filter(pk=group.pk).exists()
    )


def is_built_in(group: Group) -> bool:
    return group.name in roles.ROLES
