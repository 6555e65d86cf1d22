"""A decision before it is a row. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any


@dataclass(frozen=True, slots=True)
class ExpectedEffect:
    """The expected effect of a decision, measured `horizon` after it is applied.

    It lies in [low, high] with probability `level`; figures are in `unit`. Raises ValueError if
    they contradict each other.
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
        return {**asdict(self), "horizon": self.horizon.total_seconds()}


def expected_from_json(row: Mapping[str, Any]) -> ExpectedEffect:
    """Read back what `Expected.as_json` wrote."""
    return ExpectedEffect(**{**row, "horizon": timedelta(seconds=row["horizon"])})


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One limit, and whether the draft keeps it."""

    name: str
    limit: float | str | None
    value: float | str | None
    passed: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision not yet stored.

    `before` and `after` hold JSON values, Decimals, dates and times; they are stored and
    returned as `digest.to_json_values` writes them: Decimals and times as strings.

    `guardrails` are those of the decision type. `propose` adds the automation's, which use
    `change_percent` (the largest relative change from `before` to `after`), `data_as_of` (the end
    of the newest data used) and the low end of `expected`. A guardrail on a figure that is None
    fails: clear its limit in the admin if the figure has no meaning.
    """

    automation: str
    kind: str
    subject: str
    title: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    inputs_digest: str
    method: str
    expected: ExpectedEffect
    guardrails: tuple[Guardrail, ...] = ()
    run_id: int | None = None
    change_percent: float | None = None
    data_as_of: datetime | None = None
