"""Which month is due to be invoiced, and its decision draft; pure."""

from datetime import date, timedelta
from decimal import Decimal

from aethercrown.formatting import money_text, month_text
from operations.decisions.decision_types import MeasuredEffect
from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail
from revenue.billing.month_preview import MonthPreview
from revenue.billing.periods import Month, billing_month, complete_months

AUTOMATION = KIND = "revenue.issue_invoices"
SUBJECT_PREFIX = "invoices"
METHOD = "previews of all customers with a running plan; 1"
GRACE = timedelta(days=2)  # after the month's end, for late usage and time zones behind UTC
HORIZON = timedelta(days=35)  # until the next month's invoices, with their adjustments, are issued
INTERVAL_LEVEL = 0.9
LATE_USAGE_SHARE = 0.05  # share of the total that late usage may still add or remove


def due(today: date, last: date | None) -> Month | None:
    """The month to invoice next; None while none is complete. `last` is the newest proposed one.

    Without any, it is the newest complete month: earlier ones count as billed elsewhere.
    """
    newest = complete_months(today - GRACE, 1)[0]
    following = newest if last is None else billing_month(billing_month(last).end)
    return following if following.start <= newest.start else None


def subject(currency: str, start: date) -> str:
    return f"{SUBJECT_PREFIX} {currency} {start.isoformat()}"


def parse_subject(words: str) -> tuple[str, date]:
    """The currency and month of a decision's subject."""
    _, currency, start = words.split()
    return currency, date.fromisoformat(start)


def draft(
    currency: str, span: Month, found: MonthPreview, before: Decimal | None, run: int | None
) -> Draft:
    """The decision to issue a month's invoices; `before` is the previous month's total."""
    total = float(found.total)
    spread = LATE_USAGE_SHARE * total
    change = None if not before else float(100 * (found.total - before) / before)
    return Draft(
        automation=AUTOMATION,
        kind=KIND,
        subject=subject(currency, span.start),
        title=(
            f"Issue the invoices of {month_text(span.start)}: {found.invoices:,} for"
            f" {money_text(found.total, currency)}"
        ),
        before={"issued": 0},
        after={
            "invoices": found.invoices,
            "total": found.total,
            "currency": currency,
            "not_billed": [f"customer {key}: {why}" for key, why in found.refused[:20]],
        },
        inputs_digest=digest({"currency": currency, "month": span.start.isoformat()}),
        method=METHOD,
        expected=ExpectedEffect(
            "the month's total",
            total,
            total - spread,
            total + spread,
            INTERVAL_LEVEL,
            HORIZON,
            currency,
        ),
        guardrails=(
            Guardrail("customers_not_billed", 0, len(found.refused), passed=not found.refused),
        ),
        run_id=run,
        change_percent=change,
    )


def realised(
    expected: ExpectedEffect, billed: Decimal, adjusted: Decimal, invoices: int
) -> MeasuredEffect:
    """The month's total with the adjustments of later invoices."""
    value = float(billed + adjusted)
    detail = {"invoices": invoices, "billed": float(billed), "adjusted": float(adjusted)}
    return MeasuredEffect(value, None, None, detail, inside=expected.low <= value <= expected.high)
