"""The way in for people: sign in and out, the second factor, the first administrator."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.generic.edit import FormView

from aethercrown.api.errors import API, refused
from aethercrown.http import sessions
from security.access import lockout, reports, services, setup
from security.access.models import User

Step = TypeVar("Step", bound=Callable[..., Any])
ENROLMENT = "/account/"
OPEN = (ENROLMENT, "/logout", "/login", "/static/", "/healthz", "/readyz")
WAIT = 5  # seconds


class SignInForm(AuthenticationForm):
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "The user name or the password is wrong; both mind capital letters. "
        f"After {lockout.TRIES} wrong tries, signing in is closed for up to "
        f"{lockout.MINUTES} minutes.",
    }


class SignIn(LoginView):
    """One page for pages and admin alike; whoever is signed in goes on at once."""

    template_name = "account/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """The password was right: on to the second factor, or in where there is none."""
        return perform_login(self.request, form.get_user(), redirect_url=self.get_success_url())  # type: ignore[no-any-return]  # untyped


def admin_door(request: HttpRequest) -> HttpResponseBase:
    """The admin's own sign-in; a signed-in person who is no staff is told so, not asked again."""
    if request.method == "GET" and request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied("The admin is for staff.")
    return SignIn.as_view(next_page="/admin/")(request)


def closed(request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
    """A name that is closed for a while, known or not; settings name it for django-axes."""
    page = render(request, "account/closed.html", {"minutes": lockout.MINUTES}, status=429)
    page["Retry-After"] = str(lockout.MINUTES * 60)
    return page


def ask_again(request: HttpRequest) -> HttpResponse | None:
    """To the page that asks who it is, where the last sign-in is not fresh; else None.

    For what must not be done by whoever finds a browser open: to reveal or to revoke a secret.
    """
    if sessions.is_fresh(request.session, int(time.time())):
        return None
    there = urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{there}")


def fresh_login(step: Step) -> Step:
    """For a method of a screen: the person signs in again first, where that is not fresh."""

    @wraps(step)
    def asking(screen: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return ask_again(request) or step(screen, request, *args, **kwargs)

    return cast("Step", asking)


class SecondFactor:
    """A superuser without a second factor sees only the pages where one is set up.

    Holds for the API as well, where a session came and no key. And where more people sign in at
    once than passwords can be hashed, it says so.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and not request.path_info.startswith(
            OPEN
        ):
            return self.refusal(request) or self.get_response(request)
        return self.get_response(request)

    def refusal(self, request: HttpRequest) -> HttpResponse | None:
        if shows_key(request) or not reports.lacks_factor(reports.person(request.user)):
            return None
        if request.path_info.startswith(API):
            message = f"Set up a second factor at {ENROLMENT}2fa/, or call with a key."
            return refused(403, "second_factor_required", message)
        return redirect("mfa_index")

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, services.Busy):
            return None
        page = render(request, "account/busy.html", {"seconds": WAIT}, status=503)
        page["Retry-After"] = str(WAIT)
        return page


def shows_key(request: HttpRequest) -> bool:
    """Whether a key is shown, and so the session does not count."""
    scheme = request.headers.get("Authorization", "").partition(" ")[0]
    return scheme.lower() == "bearer" or "X-API-Key" in request.headers


@login_required
@require_POST
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End every other session of this person, after a fresh sign-in."""
    if (again := ask_again(request)) is not None:
        return again
    who = reports.person(request.user)
    ended = services.end_sessions([who] if who else [], but=request.session.session_key or "")
    messages.success(request, f"Signed out elsewhere: {ended}.")
    return redirect("mfa_index")


class FirstPerson(BaseUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("username",)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class SetUp(FormView[FirstPerson]):
    """The set-up link: looking uses nothing, because mail programs look ahead; one post wins."""

    form_class = FirstPerson
    template_name = "account/setup.html"
    success_url = "/login"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not reports.setup_link_works(kwargs["token"], timezone.now()):
            return self.gone()
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: FirstPerson) -> HttpResponse:
        chosen = form.cleaned_data
        try:
            services.use_setup_link(
                self.kwargs["token"], chosen["username"], chosen["password1"], timezone.now()
            )
        except (services.LinkGone, services.AlreadySetUp):
            return self.gone()
        return super().form_valid(form)

    def gone(self) -> HttpResponse:
        shown = {"minutes": setup.MINUTES}
        return render(self.request, "account/setup_gone.html", shown, status=410)
