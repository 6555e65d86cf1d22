"""SHA-256 of a request in canonical form: it identifies the input and seeds the draws."""

import json
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from hashlib import sha256
from typing import Any

from marketing.budget.planner.request import BudgetRequest, SpendLimit

# Fields of an earlier request, at their defaults: digests, and the draws that they seed, stay.
REMOVED_FIELDS = {
    "cost_of_change": Decimal(0),
    "randomised_since": None,
    "scale_minimums": False,
    "thompson": False,
}


def request_digest(request: BudgetRequest) -> str:
    """64 hexadecimal digits, independent of the order of rows and channels."""
    values = REMOVED_FIELDS | {each.name: getattr(request, each.name) for each in fields(request)}
    if not request.reported:  # a field that requests did not always have
        del values["reported"]
    values["rows"] = sorted(
        f"{row.channel}|{row.date or ''}|{row.spend:.17g}|{row.revenue or 0.0:.17g}"
        f"{'|unknown' * row.is_unknown}"
        for row in request.rows
    )
    values["total_revenue"] = sorted(
        f"{day}|{amount:.17g}" for day, amount in request.total_revenue or ()
    )
    text = json.dumps(_canonical(values), sort_keys=True, separators=(",", ":"), default=str)
    return sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _canonical(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [_canonical(each) for each in value]
    if isinstance(value, SpendLimit):
        return [_canonical(value.min), _canonical(value.max)]
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value


def draw_seed(name: str) -> int:
    """Seed of the posterior draws for a digest."""
    return int(name[:16], 16)
