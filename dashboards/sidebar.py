"""The admin's sidebar, and the badge that says how the site is served."""

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
    "PriceBookVersion": "history_edu",
    "PricingPlan": "view_list",
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
    "TaskDurationStats": "timer",
    "Alert": "notification_important",
    "Silence": "notifications_off",
    "Destination": "contact_mail",
    "Message": "outgoing_mail",
    "ApiKey": "key",
    "ManagedSecret": "lock_clock",
    "RotationPolicy": "policy",
    "RotationRun": "update",
    "Event": "fact_check",
    "Anchor": "anchor",
    "User": "person",
    "Group": "groups",
    "Authenticator": "password",
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Dashboard pages, then the admin screens that the user may open, by app; others come last."""
    pages = [
        {"title": title, "icon": ICONS.get(path, "monitoring"), "link": path, "active": False}
        for path, title in PAGES
    ]
    groups: dict[str, list[dict[str, Any]]] = {each: [] for each in [*GROUPS.values(), REST]}
    for app in admin.site.get_app_list(request):
        title = GROUPS.get(app["app_label"], REST)
        groups[title] += [
            {
                "title": escape(each["name"]),
                "icon": ICONS.get(each["object_name"], "table_rows"),
                "link": each["admin_url"],
            }
            for each in app["models"]
            if each["admin_url"]
        ]
    shown = [{"title": title, "items": items} for title, items in groups.items() if items]
    return [{"title": "Pages", "items": pages}, *shown]


def environment(_request: HttpRequest) -> list[str]:
    """Text and colour of the badge: debug, HTTPS, or plain HTTP on this machine."""
    if settings.DEBUG:
        return ["Debug: not for public use", "danger"]
    return ["Served over HTTPS", "success"] if settings.HTTPS else ["On this machine", "info"]
