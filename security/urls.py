"""Signing in and out."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from security.access.api import SignIn, admin_door

urlpatterns = [
    path("login", SignIn.as_view(), name="login"),
    path("admin/login/", admin_door),
    path("logout", LogoutView.as_view(), name="logout"),
]
