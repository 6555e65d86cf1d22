"""The admin's frame: its navigation by app, and the badge that names the place."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import escape

from dashboards.page_context import PAGES

GROUPS = {
    "marketing": "Marketing",
    "revenue": "Revenue",
    "enterprise": "Clients",
    "operations": "Operations",
    "security": "Security",
}
REST = "Platform"
ICONS = {
    "/": "home",
    "/dashboards/budget": "donut_small",
    "/dashboards/pricing": "sell",
    "/dashboards/decisions": "fact_check",
    "/dashboards/scheduling": "view_timeline",
    "/dashboards/alerts": "notifications",
    "/dashboards/revenue": "payments",
    "/dashboards/upsell": "trending_up",
    "/dashboards/health": "monitor_heart",
    "/dashboards/keys": "key",
    "Channel": "campaign",
    "Performance": "trending_up",
    "TotalRevenue": "payments",
    "CalendarFlag": "event",
    "LiftTest": "science",
    "BudgetPlan": "pie_chart",
    "PriceBook": "menu_book",
    "Version": "history_edu",
    "Quote": "request_quote",
    "Allocation": "account_balance_wallet",
    "Customer": "business",
    "Subscription": "event_repeat",
    "MrrMovement": "swap_vert",
    "Payment": "receipt_long",
    "Meter": "speed",
    "DailyUse": "data_usage",
    "Invoice": "receipt",
    "InvoiceRun": "event_available",
    "Opportunity": "trending_up",
    "OfferTerms": "tune",
    "Automation": "autorenew",
    "Run": "history",
    "Component": "monitor_heart",
    "Check": "troubleshoot",
    "Incident": "report",
    "Decision": "gavel",
    "Task": "task",
    "Worker": "smart_toy",
    "Pool": "workspaces",
    "Duration": "timer",
    "Alert": "notification_important",
    "Silence": "notifications_off",
    "Destination": "contact_mail",
    "Message": "outgoing_mail",
    "APIKey": "key",
    "ApiKey": "key",
    "Key": "lock_clock",
    "Policy": "policy",
    "Pass": "update",
    "Event": "fact_check",
    "Anchor": "anchor",
    "User": "person",
    "Group": "groups",
    "PeriodicTask": "schedule",
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Pages first, then what the person may open, grouped by app; unknown apps come last."""
    pages = [
        {"title": title, "icon": ICONS.get(path, "monitoring"), "link": path, "active": False}
        for path, title in PAGES
    ]
    groups: dict[str, list[dict[str, Any]]] = {each: [] for each in [*GROUPS.values(), REST]}
    for app in admin.site.get_app_list(request):
        title = GROUPS.get(app["app_label"], REST)
        groups[title] += [_entry(each) for each in app["models"] if each["admin_url"]]
    shown = [{"title": title, "items": items} for title, items in groups.items() if items]
    return [{"title": "Pages", "items": pages}, *shown]


def _entry(model: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": escape(model["name"]),
        "icon": ICONS.get(model["object_name"], "table_rows"),
        "link": model["admin_url"],
    }


def environment(_request: HttpRequest) -> list[str]:
    """The badge in the admin's bar: which kind of place this is."""
    if settings.DEBUG:
        return ["Debug: not for the public", "danger"]
    return ["Served over HTTPS", "success"] if settings.HTTPS else ["On this machine", "info"]
