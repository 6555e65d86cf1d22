"""Price every customer under two versions of a book: who would pay more, who less, and the sums.

No price elasticity is assumed. `break_even_percent` is the share of the revenue from customers
who would pay more that may be lost before the gain is gone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from heapq import nlargest
from typing import Any

from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price, final_price
from revenue.pricing.calculation.plan_use import LIST_PRICE, AgreedPrice, agreed_cost
from revenue.pricing.decimals import HUNDRED, ZERO, InvalidValues, exact_arithmetic, invalid
from revenue.pricing.price_book.version import BookVersion, NoSuchPlan

LARGE_RISE_PERCENT = Decimal(20)  # larger rises are counted separately
MAX_LISTED = 20
MAX_EXAMPLES = 5  # customers named for each reason


@dataclass(frozen=True, slots=True)
class SimulatedAccount:
    """A customer's plan, and its inputs in each of its last complete periods.

    At an agreed fee another price book changes only the charges on metrics.
    """

    key: str
    segment: str
    plan: str
    periods: tuple[PricingInputs, ...]
    agreed: AgreedPrice = LIST_PRICE


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What a customer pays under the version in force and under the other, over all periods."""

    key: str
    segment: str
    plan: str
    now: Decimal
    then: Decimal

    @property
    def delta(self) -> Decimal:
        return self.then - self.now

    @property
    def percent(self) -> Decimal:
        """The change in percent of what is paid now; a rise from 0 counts as 100."""
        if not self.now:
            return HUNDRED if self.then else ZERO
        return self.delta / self.now * HUNDRED


@dataclass(frozen=True, slots=True)
class SegmentTotals:
    segment: str
    customers: int
    now: Decimal
    then: Decimal


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why customers cannot be priced by both versions, how many they are, and some of them."""

    reason: str
    customers: int
    such_as: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """The result; `deciles` are the changes in percent at 0, 10 … 100 % of the customers."""

    currency: str
    customers: int
    now: Decimal
    then: Decimal
    pay_more: int
    pay_less: int
    large_rises: int
    at_floor_or_ceiling: int
    deciles: tuple[Decimal, ...]
    rises: tuple[PriceChange, ...]
    falls: tuple[PriceChange, ...]
    segments: tuple[SegmentTotals, ...]
    break_even_percent: Decimal | None
    left_out: tuple[LeftOut, ...]

    @property
    def unchanged(self) -> int:
        return self.customers - self.pay_more - self.pay_less

    def as_dict(self) -> dict[str, Any]:
        """For JSON: decimals are text."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Simulation":
        """What `as_dict` made."""
        lists = {
            name: tuple(_read(kind, each) for each in stored[name]) for name, kind in ROWS.items()
        }
        shares = tuple(Decimal(each) for each in stored["deciles"])
        loss = stored["break_even_percent"]
        return cls(
            **{
                **stored,
                **lists,
                "deciles": shares,
                "now": Decimal(stored["now"]),
                "then": Decimal(stored["then"]),
                "break_even_percent": None if loss is None else Decimal(loss),
            }
        )


ROWS = {"rises": PriceChange, "falls": PriceChange, "segments": SegmentTotals, "left_out": LeftOut}
AMOUNTS = {"now", "then"}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _read(kind: Any, row: Mapping[str, Any]) -> Any:
    amounts = {name: Decimal(row[name]) for name in AMOUNTS & set(row)}
    names = {"such_as": tuple(row["such_as"])} if "such_as" in row else {}
    return kind(**{**row, **amounts, **names})


def simulate(
    now: BookVersion, then: BookVersion, accounts: Iterable[SimulatedAccount]
) -> Simulation:
    """Price all customers under both versions. Raises InvalidValues if their currencies differ.

    Customers who cannot be priced go into `left_out` with the reason.
    """
    if now.currency != then.currency:
        message = f"is in {then.currency}, the version in force in {now.currency}"
        raise invalid("version", "currency", message)
    changes: list[PriceChange] = []
    left_out: dict[str, list[str]] = {}
    limited = 0
    with exact_arithmetic():
        for each in accounts:
            try:
                change, reaches = _change(now, then, each), _reaches_limit(then, each)
            except (NoSuchPlan, InvalidValues) as error:
                left_out.setdefault(str(error), []).append(each.key)
                continue
            changes.append(change)
            limited += reaches
        return _result(then.currency, changes, left_out, limited)


def _change(now: BookVersion, then: BookVersion, account: SimulatedAccount) -> PriceChange:
    sums = (
        sum((_cost(book, account, each) for each in account.periods), ZERO) for book in (now, then)
    )
    return PriceChange(account.key, account.segment, account.plan, *sums)


def _cost(book: BookVersion, account: SimulatedAccount, inputs: PricingInputs) -> Decimal:
    """A month's cost, as an invoice of that whole month has it."""
    if account.agreed.is_list_price:
        return final_price(book, account.plan, inputs)
    return agreed_cost(book, account.plan, account.agreed, inputs)


def _reaches_limit(book: BookVersion, account: SimulatedAccount) -> bool:
    """Whether the plan's floor or ceiling changes a price of the account."""
    plan = book.plan(account.plan)
    if account.agreed.fee is not None or (plan.floor is None and plan.ceiling is None):
        return False
    prices = (calculate_price(book, account.plan, each) for each in account.periods)
    return any("floor" in each.hits or "ceiling" in each.hits for each in prices)


def _result(
    currency: str, changes: list[PriceChange], left_out: dict[str, list[str]], limited: int
) -> Simulation:
    rises = [each for each in changes if each.delta > 0]
    falls = [each for each in changes if each.delta < 0]
    return Simulation(
        currency=currency,
        customers=len(changes),
        now=sum((each.now for each in changes), ZERO),
        then=sum((each.then for each in changes), ZERO),
        pay_more=len(rises),
        pay_less=len(falls),
        large_rises=sum(each.percent > LARGE_RISE_PERCENT for each in changes),
        at_floor_or_ceiling=limited,
        deciles=_deciles([each.percent for each in changes]),
        rises=tuple(nlargest(MAX_LISTED, rises, key=lambda each: (each.delta, each.key))),
        falls=tuple(nlargest(MAX_LISTED, falls, key=lambda each: (-each.delta, each.key))),
        segments=_segments(changes),
        break_even_percent=_break_even(changes, rises),
        left_out=_reasons(left_out),
    )


def _reasons(left_out: Mapping[str, list[str]]) -> tuple[LeftOut, ...]:
    """One row a reason, the most frequent first."""
    ranked = sorted(left_out.items(), key=lambda each: (-len(each[1]), each[0]))
    return tuple(LeftOut(reason, len(keys), tuple(keys[:MAX_EXAMPLES])) for reason, keys in ranked)


def _deciles(percents: list[Decimal]) -> tuple[Decimal, ...]:
    if not percents:
        return ()
    percents.sort()
    last = len(percents) - 1
    return tuple(percents[round(last * tenth / 10)] for tenth in range(11))


def _segments(changes: Iterable[PriceChange]) -> tuple[SegmentTotals, ...]:
    found: dict[str, list[PriceChange]] = {}
    for each in changes:
        found.setdefault(each.segment, []).append(each)
    return tuple(
        SegmentTotals(
            name, len(rows), sum((r.now for r in rows), ZERO), sum((r.then for r in rows), ZERO)
        )
        for name, rows in sorted(found.items())
    )


def _break_even(changes: Iterable[PriceChange], losers: Iterable[PriceChange]) -> Decimal | None:
    """The percent of the losers' future revenue that may be lost; None where nothing is gained."""
    gain = sum((each.delta for each in changes), ZERO)
    at_stake = sum((each.then for each in losers), ZERO)
    if gain <= 0 or not at_stake:
        return None
    return min(gain / at_stake * HUNDRED, HUNDRED)
