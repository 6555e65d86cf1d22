"""The admin's first page: what needs attention, what ran, what waits, and where to go."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from dashboards.overview import views
from dashboards.page_context import Breadcrumb
from security.access.reports import may_view

OFTEN = (
    ("operations_decision_changelist", "Decisions"),
    ("operations_alert_changelist", "Alerts"),
    ("operations_automation_changelist", "Automations and their schedules"),
    ("marketing_channel_changelist", "Channels"),
    ("marketing_performance_import_csv", "Import spend and revenue"),
    ("security_apikey_changelist", "API keys"),
)


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What templates/admin/index.html reads besides the theme's own."""
    seen = may_view(request.user)
    return {
        **context,
        "title": "Overview",
        "overview": views.overview_data(timezone.now()) if seen else None,
        "links": [*_often(request), Breadcrumb("API reference", "/api/v1/docs")],
    }


def _often(request: HttpRequest) -> list[Breadcrumb]:
    links = [(title, _address(name), name) for name, title in OFTEN]
    return [
        Breadcrumb(title, path) for title, path, name in links if path and _allowed(request, name)
    ]


def _address(name: str) -> str:
    try:
        return reverse(f"admin:{name}")
    except NoReverseMatch:
        return ""


def _allowed(request: HttpRequest, name: str) -> bool:
    app, model, screen = name.split("_", 2)
    act = "view" if screen == "changelist" else "add"
    return request.user.has_perm(f"{app}.{act}_{model}")
