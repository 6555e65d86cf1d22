"""What differs between two versions of a price book, in words; pure."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from aethercrown.formatting import MISSING, exact_text, money_text
from revenue.pricing.price_book.version import BookCharge, BookPlan, BookVersion, json_value


class ChangedPrice(NamedTuple):
    """One difference: what, its text before and after; a dash where there is none."""

    what: str
    before: str
    after: str


def changed_prices(old: BookVersion, new: BookVersion) -> list[ChangedPrice]:
    """Every difference that can change a price, plans first."""
    before, after = ({each.code: each for each in book.plans} for book in (old, new))
    found = [
        change
        for code in {**before, **after}
        for change in _plan(before.get(code), after.get(code), old.currency, new.currency)
    ]
    found += _rows("Factor", _factors(old), _factors(new))
    found += _rows("Recommendation", _rules(old), _rules(new))
    limits = (
        ("Largest discount in percent", "largest_discount"),
        (
            "Largest change at a renewal in percent",
            "largest_change",
        ),
    )
    for what, name in limits:
        found += _differs(what, _number(getattr(old, name)), _number(getattr(new, name)))
    return found


def _plan(
    old: BookPlan | None, new: BookPlan | None, was_in: str, is_in: str
) -> Iterator[ChangedPrice]:
    name = (new or old).name  # type: ignore[union-attr]  # one of the two is there
    parts = ("Base price", "base"), ("Floor", "floor"), ("Ceiling", "ceiling")
    for title, part in parts:
        texts = (
            money_text(getattr(plan, part) if plan else None, currency)
            for plan, currency in ((old, was_in), (new, is_in))
        )
        yield from _differs(f"{name}: {title.lower()}", *texts)
    yield from _rows(name, _charges(old), _charges(new))


def _rows(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[ChangedPrice]:
    return [
        change
        for key in {**old, **new}
        for change in _differs(f"{what}: {key}", old.get(key, MISSING), new.get(key, MISSING))
    ]


def _differs(what: str, before: str, after: str) -> list[ChangedPrice]:
    return [ChangedPrice(what, before, after)] if before != after else []


def _charges(plan: BookPlan | None) -> dict[str, str]:
    """The charges by their title; of one title, each by its place."""
    found: dict[str, str] = {}
    for each in plan.charges if plan else ():
        name, place = f"{each.title} ({each.metric.replace('_', ' ')})", 2
        while name in found:
            name = f"{each.title} ({each.metric.replace('_', ' ')}), {place}"
            place += 1
        found[name] = charge_text(each)
    return found


def charge_text(charge: BookCharge) -> str:
    """A charge's model and price: "volume: up to 9, unit 2; then unit 1"."""
    price = json_value(charge.price)
    tiers = price.pop("tiers", ())
    parts = [f"{name.replace('_', ' ')} {value}" for name, value in price.items()]
    parts += [_tier(each) for each in tiers]
    return f"{charge.model.replace('_', ' ')}: {'; '.join(parts)}"


def _tier(tier: Mapping[str, Any]) -> str:
    ends = ("up_to", "max_blocks", "max")
    bounds = [f"{name.replace('_', ' ')} {_bound(tier[name])}" for name in ends if tier.get(name)]
    rest = [f"{name.replace('_', ' ')} {value}" for name, value in tier.items() if name not in ends]
    return ", ".join([*(bounds or ["then"]), *rest])


def _bound(value: Any) -> str:
    if isinstance(value, Mapping):
        return " and ".join(f"{most} {name.replace('_', ' ')}" for name, most in value.items())
    return str(value)


def _factors(book: BookVersion) -> dict[str, str]:
    return {
        f"{each.plan or 'every plan'}, {each.metric.replace('_', ' ')}"
        f" above {exact_text(each.above)}": exact_text(each.value)
        for each in book.factors
    }


def _rules(book: BookVersion) -> dict[str, str]:
    return {
        f"{each.plan} by {each.source}, {each.metric.replace('_', ' ')}": (
            f"above {exact_text(each.above)}" + (" with company data" if each.needs_company else "")
        )
        for each in book.rules
    }


def _number(value: Decimal | None) -> str:
    return MISSING if value is None else exact_text(value)
