"""Reading price books: the version in force, its findings, and quotes again."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from revenue.pricing import book as books
from revenue.pricing import check, default_book
from revenue.pricing.book import Book
from revenue.pricing.decimals import Problem, trimmed
from revenue.pricing.dynamic import Priced, priced
from revenue.pricing.models import Charge, Plan, Quote, Version
from revenue.pricing.rating.rate import Line, line
from revenue.pricing.simulate import Account
from revenue.pricing.situation import Situation, restored

STANDARD = default_book.CODE
NEWEST = 10_000  # accounts that a page rates; a command takes all


class NothingPublished(LookupError):
    """No version of the book is in force; staff must publish one."""


class Tampered(RuntimeError):
    """The rows of a published version are not those that were published."""


# --- Versions -----------------------------------------------------------------------------------


def versions() -> QuerySet[Version]:
    """Versions with their rows."""
    rows = ("prices__plan", "charges__plan", "factors__plan", "rules__plan")
    return Version.objects.select_related("book").prefetch_related(*rows)


def in_force(on: date, code: str = STANDARD) -> Version:
    """The latest version of a book that holds on a day; one query. Raises NothingPublished."""
    found = Version.objects.select_related("book").filter(
        book__code=code, state=Version.State.PUBLISHED, effective_from__lte=on
    )
    version = found.order_by("-effective_from", "-number").first()
    if version is None:
        raise NothingPublished(
            f"No version of the price book {code} is published for {on}: publish one in the admin."
        )
    return version


kept: dict[str, Book] = {}  # published versions by digest: they never change
MOST_KEPT = 16


def plans() -> dict[str, Plan]:
    """Every plan by its code, as it is named, ordered and sold now; one query."""
    return {each.code: each for each in Plan.objects.order_by()}


def book(version: Version, rows: Mapping[str, Plan] | None = None) -> Book:
    """A version as plain values; one query for a published one that this process knows.

    With `rows`, what `plans` read, even that is spared. Raises Tampered where a published one was
    changed.
    """
    found = kept.get(version.digest)
    if found is None:
        found = _loaded(versions().get(pk=version.pk))
        if version.digest:
            if len(kept) >= MOST_KEPT:
                kept.clear()
            kept[version.digest] = found
    return _on_sale(found, plans() if rows is None else rows)


def _on_sale(found: Book, rows: Mapping[str, Plan]) -> Book:
    """The book with its plans as they are named, ordered and sold now."""
    now = tuple(
        replace(
            each,
            name=rows[each.code].name,
            rank=rows[each.code].rank,
            features=tuple(rows[each.code].features),
            is_active=rows[each.code].is_active,
        )
        for each in found.plans
    )
    return found if now == found.plans else replace(found, plans=now)


def every_plan(found: Book) -> Book:
    """The same with every plan on sale: what runs or was quoted is priced to its end."""
    return replace(found, plans=tuple(replace(each, is_active=True) for each in found.plans))


def _loaded(version: Version) -> Book:
    charges: dict[int, list[Charge]] = {}
    for each in version.charges.all():
        charges.setdefault(each.plan_id, []).append(each)
    found = Book(
        code=version.book.code,
        number=version.number,
        currency=version.book.currency,
        plans=tuple(_plan(each, charges) for each in version.prices.all()),
        steps=tuple(
            books.Step(
                e.kind, e.metric, trimmed(e.above), trimmed(e.value), e.plan.code if e.plan else ""
            )
            for e in version.factors.all()
        ),
        rules=tuple(
            books.Rule(e.plan.code, e.source, e.metric, trimmed(e.above), e.needs_company)
            for e in version.rules.all()
        ),
        largest_discount=trimmed(version.largest_discount),
        largest_change=_perhaps(version.largest_change),
    )
    if version.digest and version.digest != found.digest():
        raise Tampered(f"{version} is not as it was published; nothing is priced by it.")
    return found


def _perhaps(value: Decimal | None) -> Decimal | None:
    return None if value is None else trimmed(value)


def _plan(price: Any, charges: dict[int, list[Charge]]) -> books.Plan:
    plan = price.plan
    return books.Plan(
        code=plan.code,
        name=plan.name,
        rank=plan.rank,
        base=trimmed(price.base_price),
        features=tuple(plan.features),
        floor=_perhaps(price.floor),
        ceiling=_perhaps(price.ceiling),
        charges=tuple(
            books.Metered(each.metric, each.title, each.model, each.price)
            for each in charges.get(plan.pk, ())
        ),
        is_active=plan.is_active,
    )


def findings(version_id: int) -> list[str]:
    """What forbids publishing a version, and its cliffs, as sentences."""
    version = versions().get(pk=version_id)
    bad = unreadable(version)
    if bad:
        return [str(each) for each in bad]
    found = book(version)
    return [str(each) for each in (*check.problems(found), *check.cliffs(found))]


def unreadable(version: Version) -> list[Problem]:
    """What keeps charges from being read at all."""
    return [
        problem
        for each in version.charges.all()
        for problem in check.charge_problems(
            each.model, each.price, f"{each.plan.code}.{each.metric}.price"
        )
    ]


# --- Quotes -------------------------------------------------------------------------------------


def quotes() -> QuerySet[Quote]:
    return Quote.objects.select_related("plan", "version__book")


def quote(quote_id: str) -> Quote:
    """One quote; Quote.DoesNotExist for none such."""
    return quotes().get(quote_id=quote_id)


def lines(found: Quote) -> tuple[Line, ...]:
    """The lines as they were told."""
    return tuple(line(each) for each in found.lines)


def replayed(found: Quote) -> Priced:
    """The quote worked out again from its inputs and its version, whatever is in force now.

    A plan that is no longer on sale is priced too.
    """
    known = every_plan(book(found.version))
    return priced(known, found.plan.code, situation_of(found), previous=found.previous_price)


def situation_of(found: Quote) -> Situation:
    return restored(found.inputs)


def quoted(currency: str, most: int) -> list[Account]:
    """The newest quotes, with the use that they told of."""
    rows = quotes().filter(currency=currency).order_by("-quoted_at", "-pk")[:most]
    return [
        Account(str(each.quote_id), each.plan.name, each.plan.code, (situation_of(each),))
        for each in rows
    ]


def listed(most: int) -> list[Version]:
    """The newest versions, without their rows."""
    return list(Version.objects.select_related("book").order_by("book", "-number")[:most])


def version(number: int, code: str = STANDARD) -> Version:
    """A version by its number; Version.DoesNotExist for none such."""
    return versions().get(book__code=code, number=number)


def tiers(on: date) -> dict[str, dict[str, Any]]:
    """Active plans with their base prices, by code."""
    found = book(in_force(on))
    return {
        each.code: {
            "name": each.name,
            "base_price": each.base,
            "currency": found.currency,
            "features": list(each.features),
        }
        for each in found.active
    }
