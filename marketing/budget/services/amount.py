"""Set what the nightly plan divides: amount, currency and period."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.db import transaction

from aethercrown.currencies import CODES
from marketing.budget.models import BudgetAmount
from marketing.budget.planner.rounding import decimal_places

LARGEST = Decimal(10) ** 12


class InvalidAmount(ValueError):
    """Something entered is not valid; `problems` has a message for each bad field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = problems


@transaction.atomic
def set_amount(given: Mapping[str, str], *, actor: str, now: datetime) -> BudgetAmount:
    """Store what was entered; the same again changes nothing. Raises InvalidAmount."""
    currency, period = given.get("currency", ""), given.get("period", "")
    problems = {}
    if currency not in CODES:
        problems["currency"] = "Choose a currency."
    if period not in BudgetAmount.Period.values:
        problems["period"] = "Choose a week or a month."
    amount = _amount(given.get("amount", ""))
    if amount is None or not 0 < amount < LARGEST:
        problems["amount"] = "Give an amount above 0, such as 10000 or 2500.50."
    elif currency in CODES and amount != round(amount, decimal_places(currency)):
        places = decimal_places(currency)
        problems["amount"] = f"{currency} has {places} decimals; this has more."
    if problems or amount is None:
        raise InvalidAmount(problems)
    row = BudgetAmount.objects.select_for_update().filter(pk=1).first()
    row = row or BudgetAmount(pk=1, changed_at=now)
    same = (row.amount, row.currency, row.period) == (amount, currency, period)
    if row._state.adding or not same:  # noqa: SLF001 - a documented name of Django's
        row.amount, row.currency, row.period = amount, currency, period
        row.changed_at, row.changed_by = now, actor[:200]
        row.save()
    return row


def _amount(text: str) -> Decimal | None:
    """A number, also with commas between thousands; None where there is none."""
    try:
        found = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
