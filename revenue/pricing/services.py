"""Versions drafted, published and retired; quotes stored; prices beyond the guardrails granted."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect
from revenue.pricing import reports
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import CalculatedPrice, calculate_price
from revenue.pricing.decimals import FieldProblem, InvalidValues, rounded
from revenue.pricing.models import (
    PlanCharge,
    PlanPrice,
    PlanRule,
    PriceBook,
    PriceBookVersion,
    PriceFactor,
    Quote,
)
from revenue.pricing.price_book import validation
from revenue.pricing.price_override import KIND, SUBJECT, override_draft

Stale = decisions.Stale
ROWS: tuple[type[Any], ...] = (PlanPrice, PlanCharge, PriceFactor, PlanRule)


MAX_PRICE = Decimal(10) ** 12  # what the column holds


class VersionNotEditable(Exception):
    """The version's state forbids this step."""


# --- Versions -----------------------------------------------------------------------------------


@transaction.atomic
def draft(code: str, *, effective_from: date, now: datetime) -> PriceBookVersion:
    """A new draft of a book, with the rows of its newest version to start from.

    The book is locked, so that two drafts made at once get two numbers.
    """
    book = PriceBook.objects.select_for_update().get(code=code)
    newest = reports.versions().filter(book=book).order_by("-number").first()
    made = PriceBookVersion(
        book=book,
        number=newest.number + 1 if newest else 1,
        effective_from=effective_from,
        created_at=now,
    )
    if newest:
        made.largest_discount = newest.largest_discount
        made.largest_change = newest.largest_change
    made.save()
    if newest:
        _copy(newest, made)
    return made


def _copy(source: PriceBookVersion, to: PriceBookVersion) -> None:
    for model in ROWS:
        rows = list(model.objects.filter(version=source))
        for each in rows:
            each.pk = None
            each.version = to
        model.objects.bulk_create(rows)


@transaction.atomic
def publish(version_id: int, *, actor: str, now: datetime) -> PriceBookVersion:
    """Check a draft and make it hold from its day on, for ever.

    Raises WrongState where it is no draft any more, and exact.Wrong with all that is wrong.
    """
    version = locked(version_id, PriceBookVersion.State.DRAFT)
    rows = reports.versions().get(pk=version.pk)
    if bad := reports.invalid_charges(rows):
        raise InvalidValues(*bad)
    book = reports.book(rows)
    if bad := validation.validate_book(book):
        raise InvalidValues(*bad)
    version.state = PriceBookVersion.State.PUBLISHED
    version.published_at = now
    version.published_by = actor
    version.digest = book.digest()
    version.save()
    return version


@transaction.atomic
def retire(version_id: int, *, now: datetime) -> PriceBookVersion:
    """Take a published version out of force; quotes made by it stay as they are."""
    version = locked(version_id, PriceBookVersion.State.PUBLISHED)
    version.state = PriceBookVersion.State.RETIRED
    version.retired_at = now
    version.save()
    return version


def locked(version_id: int, state: str) -> PriceBookVersion:
    """The version, held until the transaction ends; WrongState unless it is in `state`."""
    version = PriceBookVersion.objects.select_for_update().get(pk=version_id)
    if version.state != state:
        raise VersionNotEditable(
            f"{version} is {version.get_state_display().lower()}, not {state}."
        )
    return version


# --- Quotes -------------------------------------------------------------------------------------


def quote(
    code: str,
    situation: PricingInputs,
    *,
    now: datetime,
    by: str = "",
    currency: str | None = None,
    previous: Decimal | None = None,
) -> tuple[Quote, CalculatedPrice]:
    """Price a plan at the version in force and store the quote.

    Raises book.NoSuchPlan, exact.Wrong, reports.NothingPublished and reports.Tampered.
    """
    version, plans = reports.version_in_force(now.date()), reports.plans()
    book = reports.book(version, plans)
    if currency is not None and currency != book.currency:
        message = f"must be the plan's, {book.currency}, not {currency}"
        raise InvalidValues(FieldProblem("currency", "currency_differs", message))
    price = calculate_price(book, code, situation, previous=previous)
    if price.final_price >= MAX_PRICE:
        message = f"make a price of {price.final_price:f}; {MAX_PRICE:,} or more is not quoted"
        raise InvalidValues(FieldProblem("usage_data", "too_large", message))
    made = Quote.objects.create(
        version=version,
        digest=version.digest,
        plan=plans[code],
        currency=price.currency,
        inputs=situation.as_json(),
        previous_price=previous,
        lines=[each.as_json() for each in price.lines],
        final_price=price.final_price,
        quoted_at=now,
        quoted_by=by,
    )
    return made, price


# --- Beyond the guardrails ----------------------------------------------------------------------


def request_override(
    quote_id: int, *, amount: Decimal, reason: str, actor: str, now: datetime
) -> int:
    """Ask for another price than the quote's, beyond its guardrails; the decision's number.

    A person decides. The same question finds the same decision. Raises exact.Wrong for an
    amount that is none in the quote's currency.
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
    draft_ = override_draft(
        quote=str(found.quote_id),
        plan=book.plan(found.plan.code),
        largest_discount=book.largest_discount,
        price=found.final_price,
        before=found.agreed_price,
        wanted=amount,
        currency=found.currency,
        reason=f"{actor}: {reason.strip()}",
    )
    return int(decisions.propose(draft_, mode="propose", now=now).pk)


def apply_override(case: DecisionCase) -> None:
    """Put the approved price on the quote, in the transaction of its decision."""
    _set(case, case.before, case.after)


def undo_override(case: DecisionCase) -> None:
    _set(case, case.after, case.before)


def _set(case: DecisionCase, expected: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    found = Quote.objects.select_for_update().get(quote_id=case.subject.removeprefix(SUBJECT))
    if found.agreed_price != _amount(expected):
        raise Stale(f"{found} has another agreed price since: {found.agreed_price}.")
    found.agreed_price = _amount(wanted)
    found.save(update_fields=["agreed_price"])


def _amount(row: Mapping[str, Any]) -> Decimal | None:
    value = row["agreed_price"]
    return None if value is None else Decimal(value)


def measure_override(case: DecisionCase, at: datetime) -> MeasuredEffect | None:
    """What the granted price brings a month: itself, as long as it stands."""
    found = Quote.objects.filter(quote_id=case.subject.removeprefix(SUBJECT)).first()
    if found is None or found.agreed_price is None:
        return None
    value = float(found.agreed_price)
    inside = case.expected.low <= value <= case.expected.high
    return MeasuredEffect(value, None, None, {"final_price": str(found.final_price)}, inside=inside)


def quote_page_path(subject: str) -> str:
    """The address of the page that explains a quote."""
    return f"/dashboards/pricing/quotes/{subject.removeprefix(SUBJECT)}"


KINDS = (
    DecisionType(
        KIND,
        "Price beyond the guardrails",
        apply_override,
        undo_override,
        measure_override,
        path=quote_page_path,
    ),
)
