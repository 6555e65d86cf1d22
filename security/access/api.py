"""Pages and views of signing in and out, the second factor, and the first administrator."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from allauth.account.utils import get_next_redirect_url, perform_login
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import (
    AuthenticationForm,
    BaseUserCreationForm,
    PasswordChangeForm,
    SetPasswordForm,
)
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django.views.generic.edit import FormView

from aethercrown.api.errors import API
from aethercrown.api.throttling import Rate, buckets, client_address
from aethercrown.http.sessions import reauthentication_redirect
from security.access import lockout, reports, services
from security.access.models import User
from security.access.openid.provider_client import ProviderFailed
from security.access.services import identity_provider
from security.access.services.sign_in import TooManySignIns

OPEN_PATHS = ("/logout", "/login", "/static/", "/healthz", "/readyz")
ENROLMENT_PATHS = ("/account/",)
CODE_PATHS = ("/account/2fa/reauthenticate/", "/account/2fa/webauthn/reauthenticate/")
RETRY_AFTER_SECONDS = 5  # seconds
SSO_STARTS = Rate(30, 0.5)  # from one address
FORGOTTEN = Rate(5, 1 / 60)  # from one address


class SignInForm(AuthenticationForm):
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "The user name or the password is wrong; both are case-sensitive. "
        f"After {lockout.MAX_FAILURES} wrong tries, signing in is locked for up to "
        f"{lockout.LOCKOUT_MINUTES} minutes.",
    }


class SignInView(LoginView):
    """The one sign-in page of the pages and the admin; a person who is signed in is redirected."""

    template_name = "account/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """The password was right: ask for the second factor, or sign in where there is none."""
        return perform_login(self.request, form.get_user(), redirect_url=self.get_success_url())  # type: ignore[no-any-return]  # untyped

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        name = settings.OIDC_NAME if identity_provider.is_configured() else ""
        return super().get_context_data(single_sign_on=name, **given)


def admin_sign_in(request: HttpRequest) -> HttpResponseBase:
    """The admin's sign-in page; 403 for a person who is signed in and is not staff."""
    if request.method == "GET" and request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied("The admin is for staff.")
    return SignInView.as_view(next_page="/admin/")(request)


def locked_out(request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
    """The page for a locked user name, known or not; settings name it for django-axes."""
    page = render(
        request, "account/locked_out.html", {"minutes": lockout.LOCKOUT_MINUTES}, status=429
    )
    page["Retry-After"] = str(lockout.LOCKOUT_MINUTES * 60)
    return page


class SecondFactorMiddleware:
    """Who may approve, rotate, grant or read secrets sees nothing before the second factor.

    It is decided from the session alone. A page redirects to where a factor is set up or shown;
    a call of the API does not count the session (PersonAuthentication refuses it). It also
    answers 503 where more people sign in at once than passwords can be hashed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            return self.refusal(request) or self.get_response(request)
        return self.get_response(request)

    def refusal(self, request: HttpRequest) -> HttpResponse | None:
        if request.path_info.startswith(OPEN_PATHS):
            return None
        step = reports.second_factor_step(reports.person(request.user), request.session)
        if step is None:
            return None
        if request.path_info.startswith(API):
            request.lacks_second_factor = True  # type: ignore[attr-defined]  # read by PersonAuthentication
            return None
        if step is reports.FactorStep.SET_UP:
            enrolling = request.path_info.startswith(ENROLMENT_PATHS)
            return None if enrolling else redirect("mfa_index")
        if request.path_info.startswith(CODE_PATHS):
            return None
        there = urlencode({"next": request.get_full_path()})
        return redirect(f"{reverse('mfa_reauthenticate')}?{there}")

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, TooManySignIns):
            return None
        return too_many(request, 503)


def too_many(request: HttpRequest, status: int) -> HttpResponse:
    shown = {"seconds": RETRY_AFTER_SECONDS}
    page = render(request, "account/too_many.html", shown, status=status)
    page["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return page


@require_GET
def sso_start(request: HttpRequest) -> HttpResponse:
    """Lead to the identity provider; a link, as a form's redirect to another host is forbidden."""
    return to_provider(request, {})


@require_GET
def sso_again(request: HttpRequest) -> HttpResponse:
    """The same for a fresh sign-in: the provider asks again who it is."""
    return to_provider(request, {"prompt": "login", "max_age": "0"})


def to_provider(request: HttpRequest, asked: dict[str, str]) -> HttpResponse:
    provider = identity_provider.OpenIDAdapter(request).get_provider()
    address = f"sso:{client_address(request)}"
    if buckets.acquire(address, rate=SSO_STARTS):
        return too_many(request, 429)
    try:
        found: HttpResponse = provider.redirect(
            request, "login", next_url=get_next_redirect_url(request) or "/", auth_params=asked
        )
    except ProviderFailed as error:
        return identity_provider.refused(request, identity_provider.FAILED, why=str(error))
    return found


@require_GET
def sso_callback(request: HttpRequest) -> HttpResponse:
    """Where the identity provider sends the browser back to."""
    try:
        view = OAuth2CallbackView.adapter_view(identity_provider.OpenIDAdapter(request))
        page: HttpResponse = view(request)
    except ProviderFailed as error:
        return identity_provider.refused(request, identity_provider.FAILED, why=str(error))
    return page


class ChangePasswordForm(PasswordChangeForm):
    """Asks for the old password by the way of signing in: with its lockout, and audited."""

    request: HttpRequest

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        who = authenticate(self.request, username=self.user.get_username(), password=old)
        if who is None:
            code = "password_incorrect"
            raise forms.ValidationError(self.error_messages[code], code=code)
        return old


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ChangePasswordView(PasswordChangeView):
    form_class = ChangePasswordForm
    template_name = "account/password.html"
    success_url = "/"

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form


@login_required
@require_POST
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End every other session of this person, after a fresh sign-in."""
    if (again := reauthentication_redirect(request)) is not None:
        return again
    who = reports.person(request.user)
    ended = services.end_sessions(
        [who] if who else [], except_key=request.session.session_key or ""
    )
    messages.success(request, f"Signed out elsewhere: {ended}.")
    return redirect("mfa_index")


class FirstAdministratorForm(BaseUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("username",)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class SetUpView(FormView[FirstAdministratorForm]):
    """The page of the set-up link. A GET does not use it, because mail programs prefetch links."""

    form_class = FirstAdministratorForm
    template_name = "account/setup.html"
    success_url = "/login"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not services.is_setup_link_valid(kwargs["token"], timezone.now()):
            return self.expired()
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: FirstAdministratorForm) -> HttpResponse:
        chosen = form.cleaned_data
        try:
            services.create_first_administrator(
                self.kwargs["token"], chosen["username"], chosen["password1"], timezone.now()
            )
        except (services.SetupLinkInvalid, services.AlreadySetUp):
            return self.expired()
        return super().form_valid(form)

    def expired(self) -> HttpResponse:
        shown = {"minutes": services.LIFETIME_MINUTES}
        return render(self.request, "account/setup_expired.html", shown, status=410)


class ForgottenPasswordForm(forms.Form):
    name = forms.CharField(label="User name or e-mail address", max_length=254)


class ForgottenPasswordView(FormView[ForgottenPasswordForm]):
    """Ask for a link by mail; the answer is the same whether there is such an account or not."""

    form_class = ForgottenPasswordForm
    template_name = "account/forgotten.html"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        return super().get_context_data(mail_is_on=services.mail_is_on(), **given)

    def form_valid(self, form: ForgottenPasswordForm) -> HttpResponse:
        address = f"forgotten:{client_address(self.request)}"
        if buckets.acquire(address, rate=FORGOTTEN):
            return too_many(self.request, 429)
        if services.mail_is_on():
            services.request_reset(form.cleaned_data["name"].replace("\0", ""), timezone.now())
        return self.render_to_response(self.get_context_data(form=form, is_sent=True))


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ChoosePasswordView(FormView[SetPasswordForm]):  # type: ignore[type-arg]  # generic in stubs only
    """The page of an invitation or a reset. A GET does not use it up: mail programs prefetch."""

    form_class = SetPasswordForm
    template_name = "account/choose_password.html"
    success_url = "/login"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        found = services.password_link_of(kwargs["token"], timezone.now())
        if found is None:
            return render(request, "account/link_expired.html", status=410)
        self.person = found.person
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.person}

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        return super().get_context_data(person=self.person, **given)

    def form_valid(self, form: SetPasswordForm) -> HttpResponse:  # type: ignore[type-arg]  # the same
        try:
            services.choose_password(
                self.kwargs["token"], form.cleaned_data["new_password1"], timezone.now()
            )
        except services.PasswordLinkInvalid:
            return render(self.request, "account/link_expired.html", status=410)
        messages.success(self.request, "The password is set: sign in with it.")
        return super().form_valid(form)
