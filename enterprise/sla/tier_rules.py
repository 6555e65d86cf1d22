"""Which tier a company gets, and why: ordered rules, the first match wins. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import Any

EMPLOYEES, REVENUE = "employees", "annual_revenue"
FIELDS = {EMPLOYEES: "employees", REVENUE: "annual revenue"}
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": gt,
    ">=": ge,
    "<": lt,
    "<=": le,
    "=": eq,
}
ANY, ALL = "any", "all"


@dataclass(frozen=True, slots=True)
class CompanySize:
    """What rules look at; None where it is not known."""

    employees: int | None = None
    annual_revenue: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class SizeCondition:
    """One comparison, such as employees > 1000; revenue is in the currency of the rule set."""

    field: str
    operator: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class SizeRule:
    """A tier for companies that meet any or all of the conditions; without any: for everyone."""

    tier: str
    join: str = ANY
    conditions: tuple[SizeCondition, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Ordered rules, the currency of their amounts, and its rate for one unit of other ones."""

    rules: tuple[SizeRule, ...]
    currency: str
    rates: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TierChoice:
    """The tier, or "" where no rule matched, and the reasons in words."""

    tier: str
    reasons: tuple[str, ...]


def tier_for(company: CompanySize, rule_set: RuleSet) -> TierChoice:
    """The tier of the first rule that matches; strict comparisons, the unknown matches nothing."""
    notes = _notes(company, rule_set)
    for rule in rule_set.rules:
        met = [
            _reason(each, value)
            for each in rule.conditions
            if (value := _value(each.field, company, rule_set)) is not None
            and OPERATORS[each.operator](value, each.value)
        ]
        is_match = len(met) == len(rule.conditions) if rule.join == ALL else bool(met)
        if is_match or not rule.conditions:
            why = met or [_default_reason(company)]
            return TierChoice(rule.tier, (*why, *notes))
    return TierChoice("", ("no rule matches", *notes))


def read_conditions(rows: object) -> tuple[SizeCondition, ...]:
    """Conditions of stored JSON. Raises ValueError, which names what is wrong with which row."""
    if not isinstance(rows, list):
        raise ValueError(  # noqa: TRY004 - one error for everything that is wrong
            "Conditions are a list of objects with field, operator and value."
        )
    return tuple(_condition(place, row) for place, row in enumerate(rows, 1))


def number_text(value: Decimal) -> str:
    """A figure with thousands and without needless decimals."""
    return f"{value:,f}".rstrip("0").rstrip(".") if value % 1 else f"{int(value):,}"


def _condition(place: int, row: Any) -> SizeCondition:
    if not isinstance(row, Mapping) or set(row) != {"field", "operator", "value"}:
        raise ValueError(f"Condition {place} needs field, operator and value, and nothing else.")
    if row["field"] not in FIELDS:
        raise ValueError(f"Condition {place}: the field is one of {', '.join(FIELDS)}.")
    if row["operator"] not in OPERATORS:
        raise ValueError(f"Condition {place}: the operator is one of {' '.join(OPERATORS)}.")
    value = row["value"]
    try:
        number = Decimal("NaN" if isinstance(value, bool) else str(value))
    except ArithmeticError:
        raise ValueError(f"Condition {place}: the value is a number.") from None
    if not number.is_finite() or not 0 <= number < 10**15:
        raise ValueError(f"Condition {place}: the value is 0 or more, below 10^15.")
    return SizeCondition(row["field"], row["operator"], number)


def _value(name: str, company: CompanySize, rule_set: RuleSet) -> Decimal | None:
    """The company's figure, revenue in the currency of the rules; None where it is not known."""
    if name == EMPLOYEES:
        return None if company.employees is None else Decimal(company.employees)
    if company.annual_revenue is None:
        return None
    if company.currency == rule_set.currency:
        return company.annual_revenue
    rate = rule_set.rates.get(company.currency)
    return None if rate is None else company.annual_revenue * rate


def _reason(condition: SizeCondition, value: Decimal) -> str:
    name = FIELDS[condition.field]
    return f"{name} {number_text(value)} {condition.operator} {number_text(condition.value)}"


def _default_reason(company: CompanySize) -> str:
    is_known = company.employees is not None or company.annual_revenue is not None
    return "no other rule matches" if is_known else "no size known"


def _notes(company: CompanySize, rule_set: RuleSet) -> list[str]:
    """Why a revenue that is given was not compared."""
    is_foreign = company.annual_revenue is not None and company.currency != rule_set.currency
    if not is_foreign or company.currency in rule_set.rates:
        return []
    return [f"annual revenue in {company.currency}: no rate to {rule_set.currency}"]
