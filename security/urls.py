"""Signing in and out, the second factor, and the first administrator."""

from allauth.account.views import reauthenticate
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from security.access.api import SetUp, SignIn, admin_door

urlpatterns = [
    path("login", SignIn.as_view(), name="account_login"),  # allauth knows them by these names
    path("logout", LogoutView.as_view(), name="account_logout"),
    path("admin/login/", admin_door),
    path("setup/<str:token>", SetUp.as_view(), name="setup"),
    path("account/reauthenticate", reauthenticate, name="account_reauthenticate"),
    path("account/2fa/", include("allauth.mfa.urls")),
]
