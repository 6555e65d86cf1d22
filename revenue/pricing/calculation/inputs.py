"""The metrics of a customer that a price depends on, validated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from revenue.pricing.decimals import ONE, FieldProblem, InvalidValues, non_negative

RATE_SUFFIX = "_rate"  # metrics with this suffix lie between 0 and 1


@dataclass(frozen=True, slots=True)
class PricingInputs:
    """Numbers by metric; `company` is None where no company data is given."""

    usage: Mapping[str, Decimal]
    engagement: Mapping[str, Decimal] = field(default_factory=dict)
    company: Mapping[str, Decimal] | None = None

    def as_json(self) -> dict[str, Any]:
        parts = {"usage_data": self.usage, "engagement_data": self.engagement}
        given = parts if self.company is None else {**parts, "company_data": self.company}
        return {
            part: {name: f"{each:f}" for name, each in sorted(values.items())}
            for part, values in given.items()
        }


def read_inputs(
    usage_data: Mapping[str, object],
    engagement_data: Mapping[str, object] | None = None,
    company_data: Mapping[str, object] | None = None,
) -> PricingInputs:
    """Read plain numbers; None counts as not given. Raises InvalidValues with every bad path."""
    problems: list[FieldProblem] = []
    usage = _part("usage_data", usage_data, problems)
    engagement = _part("engagement_data", engagement_data or {}, problems)
    company = _part("company_data", company_data or {}, problems)
    if problems:
        raise InvalidValues(*problems)
    return PricingInputs(usage, engagement, None if company_data is None else company)


def _part(path: str, given: object, problems: list[FieldProblem]) -> dict[str, Decimal]:
    """The numbers of one part; `problems` gets the bad ones."""
    if not isinstance(given, Mapping):
        problems.append(FieldProblem(path, "not_a_dict", "must be an object"))
        return {}
    found: dict[str, Decimal] = {}
    for name in (name for name, value in given.items() if value is not None):
        at = f"{path}.{name}"
        try:
            found[name] = non_negative(given[name], at)
        except InvalidValues as error:
            problems += error.problems
            continue
        if name.endswith(RATE_SUFFIX) and found[name] > ONE:
            message = f"must lie between 0 and 1, not {found[name]:f}"
            problems.append(FieldProblem(at, "max_value", message))
    return found


def inputs_from_json(row: Mapping[str, Any]) -> PricingInputs:
    """Read what `PricingInputs.as_json` wrote."""
    usage, engagement, company = (
        {name: Decimal(each) for name, each in row.get(part, {}).items()}
        for part in ("usage_data", "engagement_data", "company_data")
    )
    return PricingInputs(usage, engagement, company if "company_data" in row else None)
