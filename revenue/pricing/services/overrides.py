"""Request a price outside the guardrails as a decision; apply, undo and measure it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect, Stale
from revenue.pricing import reports
from revenue.pricing.decimals import FieldProblem, InvalidValues, rounded
from revenue.pricing.models import Quote
from revenue.pricing.price_override import KIND, SUBJECT, override_draft


def request_override(
    quote_id: int, *, amount: Decimal, reason: str, actor: str, now: datetime
) -> int:
    """Propose another price for a quote; returns the decision's number.

    A person approves it. The same request again returns the same decision. Raises InvalidValues
    for a missing reason and for an amount that is not valid in the quote's currency.
    """
    found = reports.quotes().get(pk=quote_id)
    book = reports.book(reports.versions().get(pk=found.version_id))
    problems = []
    if amount < 0 or amount != rounded(amount, book.digits):
        message = f"must be 0 or more, with at most {book.digits} decimals, not {amount}"
        problems.append(FieldProblem("amount", "invalid", message))
    if not reason.strip():
        problems.append(FieldProblem("reason", "required", "is required"))
    if problems:
        raise InvalidValues(*problems)
    draft = override_draft(
        quote=str(found.quote_id),
        plan=book.plan(found.plan.code),
        largest_discount=book.largest_discount,
        price=found.final_price,
        agreed=found.agreed_price,
        requested=amount,
        currency=found.currency,
        reason=f"{actor}: {reason.strip()}",
    )
    return int(decisions.propose(draft, mode="propose", now=now).pk)


def _set_price(case: DecisionCase, expected: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    found = Quote.objects.select_for_update().get(quote_id=case.subject.removeprefix(SUBJECT))
    if found.agreed_price != _agreed_price(expected):
        raise Stale(f"{found} has another agreed price since: {found.agreed_price}.")
    found.agreed_price = _agreed_price(target)
    found.save(update_fields=["agreed_price"])


def _agreed_price(row: Mapping[str, Any]) -> Decimal | None:
    value = row["agreed_price"]
    return None if value is None else Decimal(value)


def measure_override(case: DecisionCase, at: datetime) -> MeasuredEffect | None:
    """The monthly revenue of the agreed price; None while no price is agreed."""
    found = Quote.objects.filter(quote_id=case.subject.removeprefix(SUBJECT)).first()
    if found is None or found.agreed_price is None:
        return None
    value = float(found.agreed_price)
    inside = case.expected.low <= value <= case.expected.high
    return MeasuredEffect(value, None, None, {"final_price": str(found.final_price)}, inside=inside)


def quote_page_path(subject: str) -> str:
    return f"/dashboards/pricing/quotes/{subject.removeprefix(SUBJECT)}"


KINDS = (
    DecisionType(
        KIND,
        "Price outside the guardrails",
        lambda case: _set_price(case, case.before, case.after),
        lambda case: _set_price(case, case.after, case.before),
        measure_override,
        path=quote_page_path,
    ),
)
