"""Admin screens of people, roles and second factors; only a superuser creates superusers."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from aethercrown.formatting import counted
from aethercrown.read_only_admin import ReadOnlyAdmin
from security.access import roles, services
from security.access.models import User

admin.site.unregister([Group, EmailAddress, Authenticator])


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User], ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_staff", "is_active", "last_login"]
    readonly_fields = ["last_login", "date_joined"]
    actions = ["end_sessions"]

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def end_sessions(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """End the sessions of the chosen people whom the signed-in person may change."""
        theirs = [each for each in people if not outranks(request, each)]
        ended = services.end_sessions(theirs, except_key=request.session.session_key or "")
        self.message_user(request, f"{counted(ended, 'session')} ended.")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only a superuser makes superusers or grants single permissions."""
        raising = [] if request.user.is_superuser else ["is_superuser", "user_permissions"]
        return [*super().get_readonly_fields(request, obj), *raising]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not outranks(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and not outranks(request, obj)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not is_built_in(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and not is_built_in(obj)


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin, ModelAdmin):
    """Who has which second factor, never its secret; staff remove one after a lost phone."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    search_fields = ["user__username"]
    list_select_related = ["user"]
    fields = list_display

    def has_delete_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        allowed = bool(ModelAdmin.has_delete_permission(self, request, obj))
        return allowed and not (obj and outranks(request, obj.user))


def outranks(request: HttpRequest, person: User | None) -> bool:
    """Whether `person` is a superuser, and the signed-in person is not."""
    return person is not None and person.is_superuser and not request.user.is_superuser


def is_built_in(group: Group | None) -> bool:
    return group is not None and group.name in roles.ROLES
