"""What forbids publishing a version, and the cliffs in its prices."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aethercrown.currencies import exponent
from revenue.pricing.decimals import HUNDRED, FieldProblem, InvalidValues, exact_arithmetic
from revenue.pricing.price_book import version as books
from revenue.pricing.price_book.version import COMPANY, ENGAGEMENT, BookPlan, BookVersion
from revenue.pricing.rating.blocks import Blocks, Capacity
from revenue.pricing.rating.charge import INCREMENTAL, Charge, compile_charge, parse_model_name
from revenue.pricing.rating.simple import Commitment, Percentage
from revenue.pricing.rating.tiered import Graduated, Volume
from revenue.pricing.rating.usage import Usage

LEAP_FACTOR = Decimal("1.2")  # a larger rise of the cost at a bound is reported


@dataclass(frozen=True, slots=True)
class Cliff:
    """One unit more than `bound` changes the cost sharply.

    Where the cost falls, `more_from` is the smallest quantity that costs more than one just
    above the bound.
    """

    plan: str
    charge: str
    bound: Decimal
    cost: Decimal
    above: Decimal
    more_from: Decimal | None

    def __str__(self) -> str:
        where = f"{self.plan}, {self.charge}: at {self.bound:f} it costs {self.cost:f}"
        if self.more_from is None:
            return f"{where}, just above {self.above:f}."
        return (
            f"{where}, just above only {self.above:f}; quantities above {self.more_from:f} up to"
            f" {self.bound:f} cost more than {self.bound:f} and a little."
        )


def validate_charge(model: str, price: Any, path: str) -> list[FieldProblem]:
    """Problems of one charge's model and price."""
    try:
        found = compile_charge(model, price, path=path)
    except InvalidValues as error:
        return list(error.problems)
    if found.is_incremental and (problem := _incremental(model, found, path)):
        return [problem]
    if isinstance(found.model, Percentage) and (problem := _needs_each_event(found.model, path)):
        return [problem]
    if isinstance(found.model, Blocks) and found.model.tiers[-1].most is not None:
        return [
            FieldProblem(f"{path}.tiers", "not_open", "max_blocks must be null in the last tier")
        ]
    if isinstance(found.model, Capacity) and found.model.tiers[-1][0]:
        return [FieldProblem(f"{path}.tiers", "not_open", "max must be empty in the last tier")]
    return []


def _incremental(model: str, charge: Charge, path: str) -> FieldProblem | None:
    """Why a charge cannot be split into increments: one of them would cost 0 or too much."""
    base, _ = parse_model_name(model)
    if base not in INCREMENTAL:
        return FieldProblem("model", "not_incremental", f"{base} cannot be _incremental")
    if charge.minimum is not None:
        message = "would be charged for each increment again: leave it out"
        return FieldProblem(f"{path}.minimum", "not_incremental", message)
    return None


def _needs_each_event(model: Percentage, path: str) -> FieldProblem | None:
    """Why a charge cannot be billed: a meter has the sum of a month's events, not their order."""
    name = "free_events" if model.free_events else "free_amount"
    if model.free_events or (model.fixed_per_event and model.free_amount is not None):
        message = (
            "is not billable: which events are free depends on the amount of each in order, and"
            " meters have only their sum; percentage_min_max takes each at the average"
        )
        return FieldProblem(f"{path}.{name}", "not_billable", message)
    return None


def validate_book(book: BookVersion) -> list[FieldProblem]:
    """Every problem that forbids publishing."""
    return [*_plans(book), *_factors(book.factors), *_rules(book)]


def _plans(book: BookVersion) -> Iterator[FieldProblem]:
    if not book.plans:
        yield FieldProblem("plans", "empty", "a version needs a price for at least one plan")
    for plan in book.plans:
        for name, amount in (
            ("base_price", plan.base),
            ("floor", plan.floor),
            ("ceiling", plan.ceiling),
        ):
            yield from _amount(f"{plan.code}.{name}", amount, book.currency)
        if plan.floor is not None and plan.ceiling is not None and plan.floor > plan.ceiling:
            message = f"is above the ceiling: {plan.floor:f} > {plan.ceiling:f}"
            yield FieldProblem(f"{plan.code}.floor", "crossed", message)
        for place, each in enumerate(plan.charges):
            path = f"{plan.code}.charges[{place}].price"
            yield from validate_charge(each.model, each.price, path)
            if isinstance(each.charge.model, Commitment) and each is not plan.charges[-1]:
                yield FieldProblem(path, "not_last", "a commitment must be the last of the charges")
    if not 0 <= book.largest_discount <= HUNDRED:
        message = f"must lie between 0 and 100, not {book.largest_discount:f}"
        yield FieldProblem("largest_discount", "max_value", message)


def _amount(path: str, amount: Decimal | None, currency: str) -> Iterator[FieldProblem]:
    if amount is None:
        return
    if amount < 0:
        yield FieldProblem(path, "min_value", f"must be 0 or more, not {amount:f}")
    digits = exponent(currency)
    if amount != round(amount, digits):
        message = f"has more than the {digits} decimals of {currency}: {amount:f}"
        yield FieldProblem(path, "decimals", message)


def _factors(factors: Iterable[books.BookFactor]) -> Iterator[FieldProblem]:
    seen: dict[tuple[str, str, str], set[Decimal]] = {}
    for each in factors:
        path = f"{each.kind}.{each.metric}"
        bounds = seen.setdefault((each.kind, each.plan, each.metric), set())
        if each.above in bounds:
            yield FieldProblem(path, "overlap", f"has two factors above {each.above:f}")
        bounds.add(each.above)
        if each.kind not in {books.USAGE, ENGAGEMENT, COMPANY}:
            yield FieldProblem(path, "unknown", f"{each.kind!r} is not a kind of factor")
        if each.value < 0 or (each.kind == ENGAGEMENT and each.value > HUNDRED):
            yield FieldProblem(path, "out_of_range", f"above {each.above:f}: {each.value:f}")
        if (each.kind == COMPANY) != bool(each.plan):
            yield FieldProblem(
                path, "plan", "a factor of company size needs a plan, other factors have none"
            )


def _rules(book: BookVersion) -> Iterator[FieldProblem]:
    codes = {each.code for each in book.plans}
    for each in book.rules:
        if each.plan not in codes:
            message = f"recommends {each.plan}, which has no price here"
            yield FieldProblem(f"rules.{each.metric}", "unknown_plan", message)


def find_cliffs(book: BookVersion) -> list[Cliff]:
    """Bounds at which a volume price falls, or a cost rises by more than a fifth."""
    with exact_arithmetic():
        return [
            cliff
            for plan in book.plans
            for each in plan.charges
            for cliff in _cliffs(plan, each.title, each.charge.model)
        ]


def cliff_warnings(plan: BookPlan, usage: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Where more use would cost less, in words; the caller opens `decimals.exact_arithmetic`."""
    return tuple(
        f"{each.title}: {usage[each.metric]:f} costs more than just above {cliff.bound:f} would"
        f" ({cliff.above:f})."
        for each in plan.charges
        if each.metric in usage
        for cliff in _cliffs(plan, each.title, each.charge.model)
        if cliff.more_from is not None and cliff.more_from < usage[each.metric] <= cliff.bound
    )


def _cliffs(plan: BookPlan, title: str, model: object) -> Iterator[Cliff]:
    if not isinstance(model, Volume | Graduated):
        return
    tiers = model.tiers
    for place, bound in enumerate(tiers.bounds):
        cost = model.cost(Usage(quantity=bound), 0)
        after = bound * tiers.units[place + 1] if isinstance(model, Volume) else cost
        above = after + tiers.flats[place + 1]
        if above < cost:
            yield Cliff(plan.code, title, bound, cost, above, _more_from(model, place, above))
        elif above > cost * LEAP_FACTOR:
            yield Cliff(plan.code, title, bound, cost, above, None)


def _more_from(model: Volume | Graduated, place: int, above: Decimal) -> Decimal:
    """The quantity in the tier below the bound from which the cost is above `above`."""
    unit, flat = model.tiers.units[place], model.tiers.flats[place]
    if not unit:
        return model.tiers.lower(place)
    return max((above - flat) / unit, model.tiers.lower(place))
