"""What is chosen for use on days without a plan: bill it by a plan, waive it, or leave it; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from revenue.pricing.calculation.plan_use import PlanPeriod

NO_PLAN = "no plan in force"
WAIVED = "waived"


class UseChoice(StrEnum):
    """Left use stays listed until it is billed or waived."""

    BILL = "bill"
    WAIVE = "waive"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class ChosenDays:
    """The choice for the days from `start` to before `end`; `plan` prices billed use."""

    start: date
    end: date
    choice: UseChoice
    plan: str = ""

    def between(self, start: date, end: date) -> "ChosenDays | None":
        """Its part from one day to before another."""
        first, stop = max(self.start, start), min(self.end, end)
        return ChosenDays(first, stop, self.choice, self.plan) if first < stop else None


def in_force(rows: Iterable[ChosenDays]) -> list[ChosenDays]:
    """The choices that count, in the order of days; a later row replaces earlier ones."""
    found: list[ChosenDays] = []
    for row in rows:
        parts = (
            part
            for each in found
            for part in (each.between(date.min, row.start), each.between(row.end, date.max))
        )
        found = [*(each for each in parts if each), row]
    return sorted(found, key=_start)


def _start(each: ChosenDays) -> date:
    return each.start


def billed(rows: Iterable[ChosenDays]) -> list[PlanPeriod]:
    """The days whose use is billed, each with the plan that prices it."""
    chosen = (each for each in rows if each.choice is UseChoice.BILL)
    return [PlanPeriod(each.plan, each.start, each.end) for each in chosen]


def waived(rows: Iterable[ChosenDays]) -> list[ChosenDays]:
    return [each for each in rows if each.choice is UseChoice.WAIVE]
