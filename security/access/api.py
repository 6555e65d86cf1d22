"""The way in for people: sign in and out."""

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView

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
