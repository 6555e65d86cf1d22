"""Draft, publish and retire the versions of a price book."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from aethercrown.transitions import check_transition
from revenue.pricing import models, reports
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.models import PriceBook, PriceBookVersion
from revenue.pricing.price_book import validation

State = PriceBookVersion.State
TRANSITIONS: Mapping[str, Collection[str]] = {
    State.DRAFT: {State.PUBLISHED},
    State.PUBLISHED: {State.RETIRED},
}
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

    Raises InvalidTransition unless it is a draft, and InvalidValues with every problem.
    """
    version = _locked(version_id, State.PUBLISHED)
    rows = reports.versions().get(pk=version.pk)
    if problems := reports.invalid_charges(rows):
        raise InvalidValues(*problems)
    book = reports.book(rows)
    if problems := validation.validate_book(book):
        raise InvalidValues(*problems)
    version.state = State.PUBLISHED
    version.published_at = now
    version.published_by = actor
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
