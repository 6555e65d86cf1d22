"""Figures in templates: {{ amount|money:currency }}, {{ lift|percent }}, {{ lift|change }}."""

from django import template

from aethercrown.charts import figures
from aethercrown.charts.figures import Number

register = template.Library()


@register.filter
def money(value: Number, currency: str) -> str:
    """A whole amount, with the currency's decimals."""
    return figures.full(value, figures.money(currency))


@register.filter
def whole(value: Number, currency: str) -> str:
    """An amount without decimals, for headlines."""
    return figures.full(value, figures.money(currency, 0))


@register.filter
def percent(value: Number) -> str:
    return figures.full(value, figures.PERCENT)


@register.filter
def change(value: Number) -> str:
    """A percentage with its direction."""
    return figures.signed(value, figures.PERCENT)


@register.filter
def share(value: float | None) -> str:
    """A probability from 0 to 1 as a whole percentage, never rounded up to certainty."""
    if value is None:
        return figures.MISSING
    if 0.995 <= value < 1:
        return "> 99%"
    if 0 < value < 0.005:
        return "< 1%"
    return f"{value:.0%}"
