"""Which month is due to be invoiced, and how it is put forward; pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from operations.decisions.decision_types import MeasuredEffect
from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail
from revenue.billing.periods import Month, complete, month

AUTOMATION = KIND = "revenue.issue_invoices"
SUBJECT = "invoices"
METHOD = "previews of all customers with a running plan; 1"
GRACE = timedelta(days=2)  # after its end, for use that comes late and clocks behind UTC
HORIZON = timedelta(days=35)  # until the next month is issued, with what it adjusts
LEVEL = 0.9
LATE = 0.05  # of the total, by which use that comes later may still move it


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the invoices of a month would come to; `refused` are customers, and why not."""

    customers: int
    total: Decimal
    refused: tuple[tuple[str, str], ...] = ()


def due(today: date, last: date | None) -> Month | None:
    """The month to issue next; None while none is over. `last` is the newest one put forward.

    Without any, it is the newest that is over: what came before was billed elsewhere.
    """
    newest = complete(today - GRACE, 1)[0]
    following = newest if last is None else month(month(last).end)
    return following if following.start <= newest.start else None


def subject(currency: str, start: date) -> str:
    return f"{SUBJECT} {currency} {start.isoformat()}"


def place(words: str) -> tuple[str, date]:
    """Currency and month of a subject."""
    _, currency, start = words.split()
    return currency, date.fromisoformat(start)


def draft(
    currency: str, span: Month, found: Estimate, before: Decimal | None, run: int | None
) -> Draft:
    """Issue a month's invoices; `before` is what the month before came to, None for none."""
    total = float(found.total)
    spread = LATE * total
    change = None if not before else float(100 * (found.total - before) / before)
    return Draft(
        automation=AUTOMATION,
        kind=KIND,
        subject=subject(currency, span.start),
        title=(
            f"Issue the invoices of {span.start:%B %Y}: {found.customers:,} for"
            f" {found.total:,.2f} {currency}"
        ),
        before={"issued": 0},
        after={
            "invoices": found.customers,
            "total": found.total,
            "currency": currency,
            "not_billed": [f"{who}: {why}" for who, why in found.refused[:20]],
        },
        inputs_digest=digest({"currency": currency, "month": span.start.isoformat()}),
        method=METHOD,
        expected=ExpectedEffect(
            "what the month comes to",
            total,
            total - spread,
            total + spread,
            LEVEL,
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
    """What the month came to, with what later invoices gave back or added."""
    value = float(billed + adjusted)
    detail = {"invoices": invoices, "billed": float(billed), "adjusted": float(adjusted)}
    return MeasuredEffect(value, None, None, detail, inside=expected.low <= value <= expected.high)
