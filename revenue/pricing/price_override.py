"""A price outside the guardrails, as a decision that a person approves."""

from datetime import timedelta
from decimal import Decimal
from operator import ge, le

from aethercrown.formatting import money_text
from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail
from revenue.pricing.decimals import HUNDRED, ONE, exact_arithmetic
from revenue.pricing.price_book.version import BookPlan

KIND, AUTOMATION = "revenue.price_override", "revenue.pricing"
SUBJECT = "quote "
HORIZON = timedelta(days=30)


def override_draft(
    *,
    quote: str,
    plan: BookPlan,
    largest_discount: Decimal,
    price: Decimal,
    agreed: Decimal | None,
    requested: Decimal,
    currency: str,
    reason: str,
) -> Draft:
    """The decision, with each guardrail and whether the requested price meets it."""
    amount = float(requested)
    in_force = price if agreed is None else agreed
    content = {"quote": quote, "before": agreed, "wanted": requested, "reason": reason}
    return Draft(
        automation=AUTOMATION,
        kind=KIND,
        subject=f"{SUBJECT}{quote}",
        title=(
            f"{money_text(requested, currency)} instead of {money_text(price, currency)} for "
            f"{plan.name} ({reason})"
        ),
        before={"agreed_price": agreed},
        after={"agreed_price": requested},
        inputs_digest=digest(content),
        method="requested by a person",
        expected=ExpectedEffect(
            "recurring revenue a month", amount, amount, amount, 0.9, HORIZON, currency
        ),
        guardrails=override_guardrails(plan, largest_discount, price, requested),
        change_percent=(
            float(abs(requested - in_force) / in_force * HUNDRED) if in_force else None
        ),
    )


def override_guardrails(
    plan: BookPlan, largest_discount: Decimal, price: Decimal, requested: Decimal
) -> tuple[Guardrail, ...]:
    """The plan's floor and ceiling, and the largest discount off the base price."""
    with exact_arithmetic():
        least = plan.base * (ONE - largest_discount / HUNDRED)
        off = (plan.base - requested) / plan.base * HUNDRED if plan.base else Decimal(0)
    found = [
        Guardrail(
            "largest_discount_percent",
            float(largest_discount),
            round(float(off), 2),
            passed=requested >= min(least, price),
        )
    ]
    for name, limit, meets in (("floor", plan.floor, ge), ("ceiling", plan.ceiling, le)):
        if limit is not None:
            passed = meets(requested, limit)
            found.append(Guardrail(name, float(limit), float(requested), passed=passed))
    return tuple(found)
