"""The way in for people: sign in and out."""

from django.contrib import admin
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from security.access.services import TRIES, WAIT


class SignInForm(AuthenticationForm):
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "The user name or the password is wrong; both mind capital letters. "
        f"After {TRIES} wrong tries, signing in is closed for up to {WAIT} minutes.",
    }


class SignIn(LoginView):
    """One page for pages and admin alike; whoever is signed in goes on at once."""

    template_name = "login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


def admin_door(request: HttpRequest) -> HttpResponse:
    """The admin's own sign-in; a signed-in person who is no staff is told so, not asked again."""
    if request.method == "GET" and request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied("The admin is for staff.")
    return admin.site.login(request)
