"""Draft, publish and retire versions; store quotes; request prices outside the guardrails."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from aethercrown.history.attribution import shown_actor
from aethercrown.transitions import check_transition
from operations.decisions import services as decisions
from operations.decisions.decision_types import (
    ApprovalKind,
    DecisionCase,
    DecisionType,
    MeasuredEffect,
    Stale,
)
from revenue.pricing import models, reports
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import CalculatedPrice, calculate_price
from revenue.pricing.decimals import FieldProblem, InvalidValues, invalid, rounded
from revenue.pricing.forms.draft_form import ChargeValues, DraftValues
from revenue.pricing.models import PriceBook, PriceBookVersion, PricingPlan, Quote
from revenue.pricing.price_book import validation
from revenue.pricing.price_override import KIND, SUBJECT, override_draft

State = PriceBookVersion.State
TRANSITIONS: Mapping[str, Collection[str]] = {
    State.DRAFT: {State.PUBLISHED},
    State.PUBLISHED: {State.RETIRED},
}
PUBLICATION = ApprovalKind("pricing.publication", "Publishing prices")
ROW_MODELS: tuple[type[Any], ...] = (
    models.PlanPrice,
    models.PlanCharge,
    models.PriceFactor,
    models.PlanRule,
)


@transaction.atomic
def draft(code: str, *, effective_from: date, now: datetime) -> PriceBookVersion:
    """Create a draft with a copy of the rows of the book's newest version.

    The book is locked, so that two drafts created at once get two numbers.
    """
    book = PriceBook.objects.select_for_update().get(code=code)
    newest = reports.versions().filter(book=book).order_by("-number").first()
    created = PriceBookVersion(
        book=book,
        number=newest.number + 1 if newest else 1,
        effective_from=effective_from,
        created_at=now,
    )
    if newest:
        created.largest_discount = newest.largest_discount
        created.largest_change = newest.largest_change
    created.save()
    if newest:
        _copy_rows(newest, created)
    return created


@transaction.atomic
def open_draft(code: str, *, effective_from: date, now: datetime) -> tuple[PriceBookVersion, bool]:
    """The book's newest version if it is a draft, else a new one; and whether it is new.

    So a button that is pressed twice makes one draft.
    """
    book = PriceBook.objects.select_for_update().get(code=code)
    newest = PriceBookVersion.objects.filter(book=book).order_by("-number").first()
    if newest is not None and newest.is_draft:
        return newest, False
    return draft(code, effective_from=effective_from, now=now), True


class DraftPublished(Exception):
    """The version is no draft any more; nothing was stored."""


class DraftChanged(Exception):
    """Somebody else saved the draft since it was opened; nothing was stored."""


@transaction.atomic
def save_draft(version_id: int, values: DraftValues, *, seen: str) -> PriceBookVersion:
    """Store what was entered for a draft whose state is still the one that was `seen`.

    A form that is sent twice is stored once. Raises DraftPublished and DraftChanged.
    """
    version = PriceBookVersion.objects.select_for_update().get(pk=version_id)
    if not version.is_draft:
        raise DraftPublished(f"{version} is {version.state}: it is no longer edited.")
    if reports.draft_state(version) != seen and not reports.has_values(version, values):
        raise DraftChanged(
            f"{version} was changed by somebody else since you opened it. What you entered is still"
            " here: compare it with the version, then save it again to replace theirs."
        )
    names = ("effective_from", "largest_discount", "notes")
    _save_changed(version, {name: getattr(values, name) for name in names})
    _save_prices(version, values.prices)
    _save_charges(version, values.charges)
    return version


def _save_changed(row: Any, values: Mapping[str, Any]) -> None:
    """Save the row only where a value differs, so that its history has no empty entries."""
    if row.pk is None or any(getattr(row, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(row, name, value)
        row.save()


def _save_prices(
    version: PriceBookVersion, prices: Mapping[str, Mapping[str, Decimal | None]]
) -> None:
    """A plan without a price in the form is not sold by this version."""
    stored = {each.plan.code: each for each in version.prices.select_related("plan")}
    plans = reports.plans()
    for code, row in stored.items():
        if code not in prices:
            row.delete()
    for code, amounts in prices.items():
        row = stored.get(code) or models.PlanPrice(version=version, plan=plans[code])
        row.version = version
        _save_changed(row, amounts)


def _save_charges(version: PriceBookVersion, charges: Collection[ChargeValues]) -> None:
    """Charges keep the order of the form; one that is not in it is deleted."""
    stored = {each.pk: each for each in version.charges.all()}
    plans = reports.plans()
    kept = {each.key for each in charges}
    for key, row in stored.items():
        if key not in kept:
            row.delete()
    for position, each in enumerate(charges, start=1):
        row = stored.get(each.key or 0) or models.PlanCharge(version=version)
        values: dict[str, Any] = {"metric": each.metric, "title": each.title, "model": each.model}
        values |= {"plan": plans[each.plan], "position": position, "price": each.price}
        _save_changed(row, values)


class PlanChanged(Exception):
    """Somebody else saved the plan since it was opened; nothing was stored."""


@transaction.atomic
def save_plan(code: str, values: Mapping[str, Any], *, seen: str) -> PricingPlan:
    """Store name, features and availability of a plan. Raises PlanChanged."""
    row = PricingPlan.objects.select_for_update().get(code=code)
    is_same = all(getattr(row, name) == value for name, value in values.items())
    if reports.plan_state(row) != seen and not is_same:
        raise PlanChanged(
            f"{row} was changed by somebody else since you opened it. What you entered is still"
            " here: save it again to replace theirs."
        )
    _save_changed(row, values)
    return row


def _copy_rows(source: PriceBookVersion, target: PriceBookVersion) -> None:
    for model in ROW_MODELS:
        rows = list(model.objects.filter(version=source))
        for each in rows:
            each.pk = None
            each.version = target
        model.objects.bulk_create(rows)


@transaction.atomic
def publish(version_id: int, *, actor: str, now: datetime) -> PriceBookVersion:
    """Validate a draft and publish it; it applies from its first day and never changes again.

    Raises InvalidTransition unless it is a draft, SamePerson for one of its authors where four
    eyes are demanded, and InvalidValues with every problem.
    """
    version = _locked(version_id, State.PUBLISHED)
    decisions.check_four_eyes(PUBLICATION.name, reports.authors(version), actor)
    rows = reports.versions().get(pk=version.pk)
    if problems := reports.invalid_charges(rows):
        raise InvalidValues(*problems)
    book = reports.book(rows)
    if problems := validation.validate_book(book):
        raise InvalidValues(*problems)
    version.state = State.PUBLISHED
    version.published_at = now
    version.published_by = actor[:150]
    version.digest = book.digest()
    version.save()
    return version


@transaction.atomic
def retire(version_id: int, *, now: datetime) -> PriceBookVersion:
    """Make a published version price nothing new; its quotes stay. Raises InvalidTransition."""
    version = _locked(version_id, State.RETIRED)
    version.state = State.RETIRED
    version.retired_at = now
    version.save()
    return version


def _locked(version_id: int, target: str) -> PriceBookVersion:
    """The version, locked until the transaction ends, if it may change to `target`."""
    version = PriceBookVersion.objects.select_for_update().get(pk=version_id)
    check_transition(str(version), version.state, target, TRANSITIONS)
    return version


MAX_PRICE = Decimal(10) ** 12  # the limit of the column


def create_quote(
    code: str,
    inputs: PricingInputs,
    *,
    now: datetime,
    by: str = "",
    currency: str | None = None,
    previous: Decimal | None = None,
) -> tuple[Quote, CalculatedPrice]:
    """Price a plan by the version in force and store the quote.

    Raises NoSuchPlan, InvalidValues, reports.NothingPublished and reports.Tampered.
    """
    version, plans = reports.version_in_force(now.date()), reports.plans()
    book = reports.book(version, plans)
    if currency is not None and currency != book.currency:
        message = f"must be the plan's, {book.currency}, not {currency}"
        raise invalid("currency", "currency_differs", message)
    price = calculate_price(book, code, inputs, previous=previous)
    if price.final_price >= MAX_PRICE:
        message = f"make a price of {price.final_price:f}; {MAX_PRICE:,} or more is not quoted"
        raise invalid("usage_data", "too_large", message)
    created = Quote.objects.create(
        version=version,
        digest=version.digest,
        plan=plans[code],
        currency=price.currency,
        inputs=inputs.as_json(),
        previous_price=previous,
        lines=[each.as_json() for each in price.lines],
        final_price=price.final_price,
        quoted_at=now,
        quoted_by=by,
    )
    return created, price


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
        reason=f"{shown_actor(actor)}: {reason.strip()}",
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
