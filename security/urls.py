"""Signing in and out, the second factor, the first administrator, and the calls of keys."""

from allauth.account.views import reauthenticate
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from security.access.api import (
    ChangePasswordView,
    ChoosePasswordView,
    ForgottenPasswordView,
    SetUpView,
    SignInView,
    admin_sign_in,
    sign_out_elsewhere,
    sso_again,
    sso_callback,
    sso_start,
)
from security.rotation import api as keys

KEYS = "api/v1/operational/security/keys"

urlpatterns = [
    path("login", SignInView.as_view(), name="account_login"),  # allauth knows them by these names
    path("login/sso", sso_start, name="sso_start"),
    path("login/sso/again", sso_again, name="sso_again"),
    path("login/sso/callback", sso_callback, name="sso_callback"),
    path("login/forgotten", ForgottenPasswordView.as_view(), name="forgotten_password"),
    path("login/password/<str:token>", ChoosePasswordView.as_view(), name="choose_password"),
    path("logout", LogoutView.as_view(), name="account_logout"),
    path("admin/login/", admin_sign_in),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/password_change/done/", RedirectView.as_view(url="/")),
    path("setup/<str:token>", SetUpView.as_view(), name="setup"),
    path("account/reauthenticate", reauthenticate, name="account_reauthenticate"),
    path(
        "account/password",
        ChangePasswordView.as_view(),
        name="account_change_password",
    ),
    path("account/sign-out-elsewhere", sign_out_elsewhere, name="sign_out_elsewhere"),
    path("account/2fa/", include("allauth.mfa.urls")),
    path(f"{KEYS}/register", keys.RegisterKeyView.as_view()),
    path(f"{KEYS}/due-rotation", keys.DueKeysView.as_view()),
    path(f"{KEYS}/auto-rotate", keys.RotateDueKeysView.as_view()),
    path(f"{KEYS}/report", keys.KeyReportView.as_view()),
    path(f"{KEYS}/<str:key_id>", keys.KeyView.as_view()),
    path(f"{KEYS}/<str:key_id>/rotate", keys.RotateKeyView.as_view()),
    path(f"{KEYS}/<str:key_id>/value", keys.KeyValueView.as_view()),
]
