"""The formatter's filters; every template has them without {% load %}."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import template

from aethercrown import formatting

register = template.Library()


def _dash_for_none(function: Callable[..., str]) -> Callable[..., str]:
    @wraps(function)
    def shown(value: Any, *arguments: Any) -> str:
        return formatting.MISSING if value in {None, ""} else function(value, *arguments)

    return shown


FILTERS: dict[str, Callable[..., str]] = {
    "money": formatting.money_text,
    "percent": formatting.percent_text,
    "share": formatting.share_text,
    "number": formatting.number_text,
    "day": formatting.date_text,
    "month": formatting.month_text,
    "moment": formatting.moment_text,
    "duration": formatting.duration_text,
    "counted": formatting.counted,
    "yes_no": formatting.yes_no,
}
for name, function in FILTERS.items():
    register.filter(name, _dash_for_none(function))
