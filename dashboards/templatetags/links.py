"""Links that are shown only to people for whom they open."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboards import access

register = template.Library()


@register.simple_tag(takes_context=True)
def link(context: dict[str, Any], address: str, text: object) -> SafeString:
    """The text as a link, or alone where the address would not open: {% link row.path row %}."""
    if not opens(context["request"], address):
        return format_html("{}", text)
    return format_html('<a href="{}">{}</a>', address, text)


@register.filter
def opens(request: HttpRequest, address: str) -> bool:
    """Whether the person may open an address: {% if request|opens:path %}."""
    return bool(address) and access.may_open(request, address)
