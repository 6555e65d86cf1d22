"""A price asked for beyond the guardrails, as a decision that a person takes."""

from datetime import timedelta
from decimal import Decimal

from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail
from revenue.pricing.decimals import HUNDRED, ONE, exact_arithmetic
from revenue.pricing.price_book.version import BookPlan

KIND, AUTOMATION = "revenue.price_exception", "revenue.pricing"
SUBJECT = "quote "
HORIZON = timedelta(days=30)


def override_draft(
    *,
    quote: str,
    plan: BookPlan,
    largest_discount: Decimal,
    price: Decimal,
    before: Decimal | None,
    wanted: Decimal,
    currency: str,
    reason: str,
) -> Draft:
    """The question, with each guardrail and how the wanted price stands against it."""
    amount = float(wanted)
    asked = {"quote": quote, "before": before, "wanted": wanted, "reason": reason}
    return Draft(
        automation=AUTOMATION,
        kind=KIND,
        subject=f"{SUBJECT}{quote}",
        title=f"{wanted:f} {currency} instead of {price:f} for {plan.name} ({reason})",
        before={"agreed_price": before},
        after={"agreed_price": wanted},
        inputs_digest=digest(asked),
        method="asked for by a person",
        expected=ExpectedEffect(
            "recurring revenue a month", amount, amount, amount, 0.9, HORIZON, currency
        ),
        guardrails=override_guardrails(plan, largest_discount, price, wanted),
        change_percent=float(abs(wanted - price) / price * HUNDRED) if price else None,
    )


def override_guardrails(
    plan: BookPlan, largest_discount: Decimal, price: Decimal, wanted: Decimal
) -> tuple[Guardrail, ...]:
    """The plan's floor and ceiling, and the largest discount off the base price."""
    with exact_arithmetic():
        least = plan.base * (ONE - largest_discount / HUNDRED)
        off = (plan.base - wanted) / plan.base * HUNDRED if plan.base else Decimal(0)
    found = [
        Guardrail(
            "largest_discount_percent",
            float(largest_discount),
            round(float(off), 2),
            passed=wanted >= min(least, price),
        )
    ]
    if plan.floor is not None:
        passed = wanted >= plan.floor
        found.append(Guardrail("floor", float(plan.floor), float(wanted), passed=passed))
    if plan.ceiling is not None:
        passed = wanted <= plan.ceiling
        found.append(Guardrail("ceiling", float(plan.ceiling), float(wanted), passed=passed))
    return tuple(found)
