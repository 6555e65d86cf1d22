"""The limits that every automatic decision is held to, whatever its kind."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from operations.decisions.draft import Draft, Guardrail


@dataclass(frozen=True, slots=True)
class Limits:
    """What an automation may do without a person; None switches a limit off."""

    largest_change_percent: float | None = 20.0
    applied_per_day: int | None = 100
    needs_sure_gain: bool = True
    data_age_hours: float | None = 48.0


def judge(limits: Limits, draft: Draft, applied_today: int, now: datetime) -> list[Guardrail]:
    """Hold a draft against every limit that is switched on; an unknown figure fails its limit.

    `applied_today` counts the automation's decisions applied in the 24 hours before `now`.
    """
    judged = []
    if limits.largest_change_percent is not None:
        judged.append(_change(limits.largest_change_percent, draft.change_percent))
    if limits.applied_per_day is not None:
        passed = applied_today < limits.applied_per_day
        judged.append(Guardrail("applied_per_day", limits.applied_per_day, applied_today, passed))
    if limits.needs_sure_gain:
        low = draft.expected.low
        judged.append(Guardrail("sure_gain", 0.0, low, low > 0))
    if limits.data_age_hours is not None:
        judged.append(_freshness(limits.data_age_hours, draft.data_as_of, now))
    return judged


def _change(limit: float, change: float | None) -> Guardrail:
    passed = change is not None and abs(change) <= limit
    return Guardrail("largest_change_percent", limit, change, passed)


def _freshness(limit: float, data_as_of: datetime | None, now: datetime) -> Guardrail:
    if data_as_of is None:
        return Guardrail("data_age_hours", limit, None, passed=False)
    hours = (now - data_as_of) / timedelta(hours=1)
    return Guardrail("data_age_hours", limit, round(hours, 2), passed=hours <= limit)
