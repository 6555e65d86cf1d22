"""A decision in words: what it changes, its expected effect and how its guardrails went. Pure."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Any, NamedTuple

from aethercrown.formatting import exact_text, share_text
from operations.decisions.effect_text import expected_text

DECIMAL = re.compile(r"-?\d{1,20}\.\d{1,20}")
NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?")
NOTHING = "nothing"
PERCENT_SIGN, HOURS = "%", " hours"
GUARDRAILS = {  # stored name: what it is called, and the unit of its figures
    "largest_change_percent": ("Largest change of a value", PERCENT_SIGN),
    "largest_daily_change_percent": ("Changes within 24 hours, added up", PERCENT_SIGN),
    "total_change_percent": ("Change of the total", PERCENT_SIGN),
    "largest_discount_percent": ("Discount", PERCENT_SIGN),
    "least_confidence_percent": ("Probability of a gain", PERCENT_SIGN),
    "probability_of_lift": ("Probability of more revenue, 0 to 1", ""),
    "applied_per_day": ("Decisions applied in 24 hours", ""),
    "offers_per_day": ("Offers in 24 hours", ""),
    "days_since_declined": ("Days since the customer last declined", ""),
    "contact_who_agreed": ("A contact who agreed to offers", ""),
    "reminders_per_day": ("Reminders in a day", ""),
    "new_names": ("New channels or customers", ""),
    "change_of_totals_percent": ("Change of a total since the last file", PERCENT_SIGN),
    "customers_not_billed": ("Customers that cannot be billed", ""),
    "sure_gain": ("Low end of the expected effect", ""),
    "data_age_hours": ("Age of the data", HOURS),
    "quiet_hours": ("Quiet hours", ""),
    "critical_alert": ("Open critical alert", ""),
    "backtest": ("Test of the method on past periods", ""),
    "nothing_against": ("Reasons against it", ""),
    "agreed": ("Agreed", ""),
}


class StepText(NamedTuple):
    """How a step of a decision is offered, what is said once it is done, and what is asked."""

    verb: str
    done: str
    question: str  # {} is the decision


STEPS = {
    "approve": StepText(
        "Approve",
        "Approved",
        "Approve “{}”? It is then applied at once; a key as soon as its new value works.",
    ),
    "reject": StepText(
        "Reject",
        "Rejected",
        "Reject “{}”? It is not proposed again for the same inputs.",
    ),
    "roll_back": StepText(
        "Roll back",
        "Rolled back",
        "Roll back “{}”? The state before it is restored, unless it has changed since.",
    ),
}
MAX_CHANGES = 12  # that the confirm step repeats


class ChangedValue(NamedTuple):
    """One value that a decision changes, as texts; NOTHING where there is none."""

    name: str
    before: str
    after: str

    @property
    def numbers(self) -> tuple[float | None, float | None] | None:
        """Both as numbers, None where there is nothing; None if one is no number."""
        texts = (self.before, self.after)
        if not all(each == NOTHING or NUMBER.fullmatch(each) for each in texts):
            return None
        before, after = (None if each == NOTHING else float(each) for each in texts)
        return before, after


def flatten(value: Any, path: str = "") -> dict[str, str]:
    """Nested JSON as one text for each leaf, under names such as `shares.search` or `steps[0]`."""
    if isinstance(value, dict):
        parts = ((f"{path}.{name}".lstrip("."), each) for name, each in value.items())
    elif isinstance(value, list):
        parts = ((f"{path}[{place}]", each) for place, each in enumerate(value))
    else:
        return {path: NOTHING if value is None else str(value)}
    return {name: leaf for inner, each in parts for name, leaf in flatten(each, inner).items()}


def changed_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ChangedValue]:
    """Each leaf that differs, in the order of `before`, then of `after`."""
    old, new = flatten(before), flatten(after)
    return [
        ChangedValue(name, leaf_text(old.get(name, NOTHING)), leaf_text(new.get(name, NOTHING)))
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]


def confirmed_amounts(
    expected: Mapping[str, Any], changes: "Sequence[ChangedValue]"
) -> list[tuple[str, str]]:
    """What a confirm step repeats: the expected effect, and the first of the values that change."""
    arrow = "\N{RIGHTWARDS ARROW}"
    shown = [(each.name, f"{each.before} {arrow} {each.after}") for each in changes[:MAX_CHANGES]]
    left = len(changes) - MAX_CHANGES
    return [
        ("Expected", promised(expected)),
        *shown,
        *([("More changes", f"{left:,}")] if left > 0 else []),
    ]


def leaf_text(text: str) -> str:
    """A decimal without the zeros at its end; any other text as it is."""
    return exact_text(Decimal(text)) if DECIMAL.fullmatch(text) else text


def promised(expected: Mapping[str, Any]) -> str:
    """The expected effect with its metric and the level of its interval."""
    level = share_text(expected["level"])
    named = expected_text(expected, level=level)
    return f"{expected['metric']}: {named}" if expected["unit"] else named


def guardrail_title(name: str) -> str:
    return GUARDRAILS.get(name, (name.replace("_", " ").capitalize(), ""))[0]


def guardrail_finding(guardrail: Mapping[str, Any]) -> str:
    """Its value and, if it has one, its limit: "32.5%, limit 20%"."""
    value, limit = guardrail["value"], guardrail["limit"]
    unit = GUARDRAILS.get(guardrail["name"], ("", ""))[1]
    if guardrail["name"] in {"critical_alert", "backtest", "nothing_against"}:
        return str(value or "none")
    shown = "unknown" if value is None else _figure(value, unit)
    return shown if limit in {None, ""} else f"{shown}, limit {_figure(limit, unit)}"


def guardrail_text(guardrail: Mapping[str, Any]) -> str:
    """A guardrail with its result: "failed: Largest change of a value: 32.5%, limit 20%"."""
    result = "passed" if guardrail["passed"] else "failed"
    return f"{result}: {guardrail_title(guardrail['name'])}: {guardrail_finding(guardrail)}"


def failed_guardrails(guardrails: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{guardrail_title(each['name'])}: {guardrail_finding(each)}"
        for each in guardrails
        if not each["passed"]
    ]


def _figure(value: Any, unit: str) -> str:
    is_number = isinstance(value, int | float) and isfinite(value)
    return f"{figure(value)}{unit}" if is_number else str(value)


def figure(value: float) -> str:
    """A number with two decimals, four below 1, without trailing zeros."""
    places = 2 if abs(value) >= 1 else 4
    return exact_text(Decimal(str(round(value, places))))
