"""The admin's first page: the overview, and links to screens that are often used."""

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from dashboards.overview import views
from dashboards.page_context import Breadcrumb
from security.access.reports import may_view

OFTEN_USED = (
    ("operations_decision_changelist", "Decisions"),
    ("operations_alert_changelist", "Alerts"),
    ("operations_automation_changelist", "Automations and their schedules"),
    ("marketing_channel_changelist", "Channels"),
    ("marketing_performance_import_csv", "Import spend and revenue"),
    ("security_apikey_changelist", "API keys"),
)


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What templates/admin/index.html reads besides the theme's own."""
    links = [_link(request.user, name, title) for name, title in OFTEN_USED]
    return {
        **context,
        "title": "Overview",
        "overview": views.overview_data(timezone.now()) if may_view(request.user) else None,
        "links": [*filter(None, links), Breadcrumb("API reference", "/api/v1/docs")],
    }


def _link(user: Any, name: str, title: str) -> Breadcrumb | None:
    """The link to an admin screen, where it exists and the user may open it."""
    app, model, screen = name.split("_", 2)
    permission = "view" if screen == "changelist" else "add"
    try:
        path = reverse(f"admin:{name}")
    except NoReverseMatch:
        return None
    return Breadcrumb(title, path) if user.has_perm(f"{app}.{permission}_{model}") else None
