"""The metrics of a customer that a price depends on, validated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from revenue.pricing.decimals import ONE, FieldProblem, InvalidValues, invalid, read_amounts

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
    parts: list[dict[str, Decimal]] = []
    for path, given in (
        ("usage_data", usage_data),
        ("engagement_data", engagement_data or {}),
        ("company_data", company_data or {}),
    ):
        try:
            parts.append(_part(path, given))
        except InvalidValues as error:
            problems += error.problems
    if problems:
        raise InvalidValues(*problems)
    usage, engagement, company = parts
    return PricingInputs(usage, engagement, None if company_data is None else company)


def _part(path: str, given: object) -> dict[str, Decimal]:
    if not isinstance(given, Mapping):
        raise invalid(path, "not_a_dict", "must be an object")
    found = read_amounts({name: value for name, value in given.items() if value is not None}, path)
    above = [
        FieldProblem(f"{path}.{name}", "max_value", f"must lie between 0 and 1, not {each:f}")
        for name, each in found.items()
        if name.endswith(RATE_SUFFIX) and each > ONE
    ]
    if above:
        raise InvalidValues(*above)
    return found


def inputs_from_json(row: Mapping[str, Any]) -> PricingInputs:
    """Read what `PricingInputs.as_json` wrote."""
    usage, engagement, company = (
        {name: Decimal(each) for name, each in row.get(part, {}).items()}
        for part in ("usage_data", "engagement_data", "company_data")
    )
    return PricingInputs(usage, engagement, company if "company_data" in row else None)
