"""What an automation puts forward, before it is a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any


@dataclass(frozen=True, slots=True)
class ExpectedEffect:
    """What a decision should bring by `horizon` after it is applied.

    The truth lies in [low, high] with probability `level`; figures are in `unit`.
    """

    metric: str
    estimate: float
    low: float
    high: float
    level: float
    horizon: timedelta
    unit: str = ""

    def __post_init__(self) -> None:
        if not all(map(isfinite, (self.estimate, self.low, self.high))):
            raise ValueError(
                f"{self.metric}: an expected effect is finite, not"
                f" {self.estimate} in [{self.low}, {self.high}]."
            )
        if not self.low <= self.estimate <= self.high:
            raise ValueError(
                f"{self.metric}: the estimate {self.estimate} lies outside its interval"
                f" [{self.low}, {self.high}]."
            )
        if not 0 < self.level < 1:
            raise ValueError(f"{self.metric}: a level lies between 0 and 1, not {self.level}.")
        if self.horizon < timedelta(0):
            raise ValueError(f"{self.metric}: the horizon {self.horizon} lies in the past.")

    def as_json(self) -> dict[str, Any]:
        """The shape of the row's `expected` column; the horizon in seconds."""
        return {
            "metric": self.metric,
            "estimate": self.estimate,
            "low": self.low,
            "high": self.high,
            "level": self.level,
            "horizon": self.horizon.total_seconds(),
            "unit": self.unit,
        }


def expected_from_json(row: Mapping[str, Any]) -> ExpectedEffect:
    """Read back what `Expected.as_json` wrote."""
    return ExpectedEffect(**{**row, "horizon": timedelta(seconds=row["horizon"])})


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One limit and how the draft stood against it."""

    name: str
    limit: float | str | None
    value: float | str | None
    passed: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "limit": self.limit,
            "value": self.value,
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision not yet stored.

    `before` and `after` hold JSON values, Decimals, dates and times; they are stored and handed
    back in their plain form (digest.plain: Decimals and times as strings).

    `guardrails` are the kind's own. The automation's common ones are added when it is proposed,
    from `change_percent` (the largest relative change that `after` makes to `before`),
    `data_as_of` (when the newest row it was computed from ends) and the low end of `expected`.
    A common guardrail about a figure that is None does not pass: clear its limit in the admin
    where the figure has no meaning.
    """

    automation: str
    kind: str
    subject: str
    title: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    inputs_digest: str
    method: str
    expected_from_json: ExpectedEffect
    guardrails: tuple[Guardrail, ...] = ()
    run_id: int | None = None
    change_percent: float | None = None
    data_as_of: datetime | None = None
