"""The first page of the admin: every list that the person may open, by job."""

from typing import Any

from django.http import HttpRequest


def context(_request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What templates/admin/index.html reads besides the theme's own."""
    return {**context, "title": "All records"}
