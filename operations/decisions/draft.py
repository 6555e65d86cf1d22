"""A decision before it is a row. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any


@dataclass(frozen=True, slots=True)
class ExpectedEffect:
    """The expected effect of a decision. Raises ValueError if its figures contradict each other."""

    metric: str
    estimate: float
    low: float
    high: float
    level: float  # the probability of [low, high]
    horizon: timedelta  # from when it is applied to when it is measured
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
    """Read back what `as_json` wrote."""
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

    `before` and `after` are stored as `digest.to_json_values` writes them: Decimals and times as
    strings. A guardrail on a figure that is None fails: clear its limit in the admin if the figure
    has no meaning.
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
    guardrails: tuple[Guardrail, ...] = ()  # of its type; `propose` adds the automation's
    run_id: int | None = None
    change_percent: float | None = None  # the largest relative change of a value
    data_as_of: datetime | None = None  # the end of the newest data used
    data_every: timedelta = timedelta(0)  # how often new data come: only then are they late
