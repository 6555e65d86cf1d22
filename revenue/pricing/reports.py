"""Read price books and stored quotes."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from json import dumps
from typing import Any

from django.db.models import QuerySet

from aethercrown.search import row_source
from revenue.pricing.calculation.inputs import inputs_from_json
from revenue.pricing.calculation.plan_price import CalculatedPrice, calculate_price
from revenue.pricing.calculation.simulation import SimulatedAccount
from revenue.pricing.decimals import FieldProblem, without_trailing_zeros
from revenue.pricing.forms import charge_form
from revenue.pricing.forms.draft_form import (
    PRICE_PARTS,
    DraftValues,
    EnteredCharge,
    EnteredDraft,
)
from revenue.pricing.models import (
    PlanCharge,
    PlanEntitlement,
    PlanPrice,
    PlanRule,
    PriceBookVersion,
    PriceFactor,
    PricingPlan,
    Quote,
)
from revenue.pricing.price_book import default_book, validation
from revenue.pricing.price_book import version as books
from revenue.pricing.price_book.comparison import ChangedPrice, changed_prices
from revenue.pricing.price_book.version import BookVersion
from revenue.pricing.rating.rate import PriceLine, line_from_json

STANDARD_BOOK = default_book.CODE


class NothingPublished(LookupError):
    """No version of the price book is in force; one must be published."""


class Tampered(RuntimeError):
    """The rows of a published version were changed after publication."""


def versions() -> QuerySet[PriceBookVersion]:
    """Versions with their rows."""
    rows = ("prices__plan", "charges__plan", "factors__plan", "rules__plan")
    return PriceBookVersion.objects.select_related("book").prefetch_related(*rows)


def version_in_force(on: date, code: str = STANDARD_BOOK) -> PriceBookVersion:
    """The latest published version of a book that applies on a day. Raises NothingPublished."""
    found = PriceBookVersion.objects.select_related("book").filter(
        book__code=code, state=PriceBookVersion.State.PUBLISHED, effective_from__lte=on
    )
    version = found.order_by("-effective_from", "-number").first()
    if version is None:
        raise NothingPublished(
            f"No version of the price book {code} is published for {on}: publish one in the admin."
        )
    return version


def published_since(since: datetime) -> list[PriceBookVersion]:
    """The versions that were published since then, the newest first."""
    rows = PriceBookVersion.objects.select_related("book").filter(published_at__gte=since)
    return list(rows.order_by("-published_at", "-pk"))


cached_books: dict[str, BookVersion] = {}  # published versions by digest: they never change
MAX_CACHED_BOOKS = 16


def plans() -> dict[str, PricingPlan]:
    return {each.code: each for each in PricingPlan.objects.order_by()}


def book(version: PriceBookVersion, rows: Mapping[str, PricingPlan] | None = None) -> BookVersion:
    """A version as plain values; published versions are cached in the process.

    `rows` are the result of `plans`; they are read where None. Raises Tampered where a published
    version was changed.
    """
    found = cached_books.get(version.digest)
    if found is None:
        found = _loaded(versions().get(pk=version.pk))
        if version.digest:
            if len(cached_books) >= MAX_CACHED_BOOKS:
                cached_books.clear()
            cached_books[version.digest] = found
    return _on_sale(found, plans() if rows is None else rows)


def _on_sale(found: BookVersion, rows: Mapping[str, PricingPlan]) -> BookVersion:
    """The book with today's names, ranks, features and availability of its plans."""
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


def with_every_plan_active(found: BookVersion) -> BookVersion:
    """The book with every plan active, for subscriptions to plans no longer sold."""
    return replace(found, plans=tuple(replace(each, is_active=True) for each in found.plans))


def _loaded(version: PriceBookVersion) -> BookVersion:
    charges: dict[int, list[PlanCharge]] = {}
    for each in version.charges.all():
        charges.setdefault(each.plan_id, []).append(each)
    found = BookVersion(
        code=version.book.code,
        number=version.number,
        currency=version.book.currency,
        plans=tuple(_plan(each, charges) for each in version.prices.all()),
        factors=tuple(
            books.BookFactor(
                e.kind,
                e.metric,
                without_trailing_zeros(e.above),
                without_trailing_zeros(e.value),
                e.plan.code if e.plan else "",
            )
            for e in version.factors.all()
        ),
        rules=tuple(
            books.BookRule(
                e.plan.code, e.source, e.metric, without_trailing_zeros(e.above), e.needs_company
            )
            for e in version.rules.all()
        ),
        largest_discount=without_trailing_zeros(version.largest_discount),
        largest_change=_trimmed(version.largest_change),
    )
    if version.digest and version.digest != found.digest():
        raise Tampered(f"{version} is not as it was published; nothing is priced by it.")
    return found


def _trimmed(value: Decimal | None) -> Decimal | None:
    return None if value is None else without_trailing_zeros(value)


def _plan(price: Any, charges: dict[int, list[PlanCharge]]) -> books.BookPlan:
    plan = price.plan
    return books.BookPlan(
        code=plan.code,
        name=plan.name,
        rank=plan.rank,
        base=without_trailing_zeros(price.base_price),
        features=tuple(plan.features),
        floor=_trimmed(price.floor),
        ceiling=_trimmed(price.ceiling),
        charges=tuple(
            books.BookCharge(each.metric, each.title, each.model, each.price)
            for each in charges.get(plan.pk, ())
        ),
        is_active=plan.is_active,
    )


def entitlements(plans: Collection[str]) -> dict[str, list[PlanEntitlement]]:
    """What plans include and limit, by plan, in the order of metrics."""
    found: dict[str, list[PlanEntitlement]] = {}
    rows = PlanEntitlement.objects.filter(plan__code__in=plans).select_related("plan")
    for each in rows.order_by("metric"):
        found.setdefault(each.plan.code, []).append(each)
    return found


def plan_limits(plans: Collection[str]) -> dict[str, dict[str, Decimal]]:
    """The limits that plans state, by plan and metric."""
    return {
        plan: {each.metric: Decimal(each.limit) for each in rows if each.limit is not None}
        for plan, rows in entitlements(plans).items()
    }


def findings(version_id: int) -> list[str]:
    """What forbids publishing a version, and its price cliffs, as sentences."""
    version = versions().get(pk=version_id)
    if problems := invalid_charges(version):
        return [str(each) for each in problems]
    found = book(version)
    return [
        str(each) for each in (*validation.validate_book(found), *validation.find_cliffs(found))
    ]


def invalid_charges(version: PriceBookVersion) -> list[FieldProblem]:
    """Problems that prevent charges from being read."""
    return [
        problem
        for each in version.charges.all()
        for problem in validation.validate_charge(
            each.model, each.price, f"{each.plan.code}.{each.metric}.price"
        )
    ]


def draft_form(version: PriceBookVersion) -> EnteredDraft:
    """A version as the texts of its form, a price for every plan, with the state it is in."""
    stored = {each.plan_id: each for each in version.prices.all()}
    return EnteredDraft(
        version.effective_from.isoformat(),
        _plain(version.largest_discount),
        version.notes,
        {
            code: {part: _plain(getattr(stored.get(plan.pk), part, None)) for part in PRICE_PARTS}
            for code, plan in plans().items()
        },
        [
            EnteredCharge(
                str(each.pk),
                each.plan.code,
                each.metric,
                each.title,
                each.model,
                charge_form.fields_from_price(each.model, each.price),
                charge_form.tier_texts(each.model, each.price),
            )
            for each in version.charges.select_related("plan")
        ],
        draft_state(version),
    )


def _plain(value: Decimal | None) -> str:
    return "" if value is None else f"{without_trailing_zeros(value):f}"


def draft_state(version: PriceBookVersion) -> str:
    """A digest of everything that a draft's form shows or publishing uses, in four queries."""
    money = ("plan", *PRICE_PARTS)
    rows = [
        [version.effective_from, _plain(version.largest_discount), version.notes, version.state],
        *([key, *map(_plain, amounts)] for key, *amounts in version.prices.values_list(*money)),
        *version.charges.values_list("pk", "plan", "position", "metric", "title", "model", "price"),
        *version.factors.values_list("kind", "plan", "metric", "above", "value"),
        *version.rules.values_list("plan", "source", "metric", "above", "needs_company"),
    ]
    return sha256(dumps(rows, default=str, sort_keys=True).encode()).hexdigest()


def has_values(version: PriceBookVersion, values: DraftValues) -> bool:
    """Whether the draft is stored as these values say already."""
    stored = version.charges.select_related("plan").order_by("position", "pk")
    charges = [(e.plan.code, e.metric, e.title, e.model, e.price) for e in stored]
    wanted = [(e.plan, e.metric, e.title, e.model, e.price) for e in values.charges]
    prices = {
        each.plan.code: {part: getattr(each, part) for part in PRICE_PARTS}
        for each in version.prices.select_related("plan")
    }
    names = ("effective_from", "largest_discount", "notes")
    same = all(getattr(version, name) == getattr(values, name) for name in names)
    return same and charges == wanted and prices == dict(values.prices)


def plan_state(plan: PricingPlan) -> str:
    """A digest of what a plan's form shows."""
    rows = [plan.name, plan.features, plan.is_active]
    return sha256(dumps(rows).encode()).hexdigest()


def known_metrics(version: PriceBookVersion) -> set[str]:
    """The metrics that the version's charges and factors of use name already."""
    charged = version.charges.values_list("metric", flat=True)
    used = version.factors.filter(kind=books.USAGE).values_list("metric", flat=True)
    return {*charged, *used}


def changes_against(version: PriceBookVersion, against: PriceBookVersion) -> list[ChangedPrice]:
    """What differs from another version. Raises Tampered."""
    return changed_prices(book(against), book(version))


def newest_versions(most: int) -> list[PriceBookVersion]:
    """The newest versions, without their rows."""
    return list(PriceBookVersion.objects.select_related("book").order_by("book", "-number")[:most])


def plans_on_sale(on: date) -> dict[str, dict[str, Any]]:
    return book(version_in_force(on)).on_sale()


def quotes() -> QuerySet[Quote]:
    return Quote.objects.select_related("plan", "version__book")


def quote(quote_id: str) -> Quote:
    """One quote. Raises Quote.DoesNotExist."""
    return quotes().get(quote_id=quote_id)


def lines(found: Quote) -> tuple[PriceLine, ...]:
    return tuple(line_from_json(each) for each in found.lines)


def recalculate(found: Quote) -> CalculatedPrice:
    """The quote calculated again from its inputs and version, also for plans no longer sold."""
    known = with_every_plan_active(book(found.version))
    return calculate_price(
        known, found.plan.code, inputs_from_json(found.inputs), previous=found.previous_price
    )


def accounts_from_quotes(currency: str, most: int) -> list[SimulatedAccount]:
    """The newest quotes in a currency, with their inputs."""
    rows = quotes().filter(currency=currency).order_by("-quoted_at", "-pk")[:most]
    return [
        SimulatedAccount(
            str(each.quote_id), each.plan.name, each.plan.code, (inputs_from_json(each.inputs),)
        )
        for each in rows
    ]


SEARCH = row_source(
    "Plans",
    PricingPlan.objects.all,
    ("name", "code"),
    note=lambda plan: plan.code,
    page=lambda _plan: "/dashboards/pricing",
)


def authors(version: PriceBookVersion) -> set[str]:
    """Who wrote a draft: the actors of its history, and of the rows that it has or had."""
    kinds = (PlanPrice, PlanCharge, PriceFactor, PlanRule)
    rows = [version.history.all(), *(kind.history.filter(version=version.pk) for kind in kinds)]
    return {actor for found in rows for actor in found.values_list("history_user_id", flat=True)}
