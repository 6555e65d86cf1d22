"""Which plan was in force on each day of a month, and carries the day's use; pure.

Of subscriptions that run side by side, the one that started last carries the use.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import pairwise

from revenue.billing import unbilled_use
from revenue.billing.periods import HeldSpan, Month
from revenue.billing.unbilled_use import NO_PLAN, WAIVED, ChosenDays
from revenue.customers.plan_terms import PlanTerms, SubscriptionState, expanded, on_day
from revenue.pricing.calculation.plan_use import PlanPeriod


@dataclass(frozen=True, slots=True)
class DaysInForce:
    """Days on which the same terms carry the use; None where no plan is in force.

    `beside` are further subscriptions in force on these days.
    """

    start: date
    end: date
    terms: PlanTerms | None
    beside: tuple[str, ...] = ()
    is_waived: bool = False

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def reason(self) -> str:
        """Why use on these days is not charged; empty where it is."""
        if self.terms is None:
            return WAIVED if self.is_waived else NO_PLAN
        if self.terms.state is SubscriptionState.ACTIVE:
            return "" if self.terms.plan else "no plan"
        return str(self.terms.state.value)


@dataclass(frozen=True)
class PlanCalendar:
    """The expanded terms of each of a customer's subscriptions, in the order of their starts.

    `fallback` prices use on days without a plan, by the first period that has the day; of these,
    an invoice billed the `kept` ones. `waived` are the days whose use is not to be billed.
    """

    subscriptions: Sequence[Sequence[PlanTerms]]
    fallback: Sequence[PlanPeriod] = field(default=())
    waived: Sequence[ChosenDays] = field(default=())
    kept: Sequence[PlanPeriod] = field(default=())

    @classmethod
    def of(
        cls, rows: Iterable[Sequence[PlanTerms]], chosen: Sequence[ChosenDays] = ()
    ) -> "PlanCalendar":
        every = [expanded(each) for each in rows if each]
        by_start = sorted(every, key=lambda each: (each[0].on, each[0].subscription))
        return cls(by_start, unbilled_use.billed(chosen), unbilled_use.waived(chosen))

    def with_billed(self, periods: Sequence[PlanPeriod]) -> "PlanCalendar":
        """The same, where the use of these periods stays billed."""
        return replace(self, fallback=[*periods, *self.fallback], kept=periods)

    def days_in_force(self, span: Month) -> list[DaysInForce]:
        """The days of a month in order, divided where something changes."""
        steps = {each.on for rows in self.subscriptions for each in rows}
        steps |= {day for each in self.fallback for day in (each.active_from, each.active_to)}
        steps |= {day for each in self.waived for day in (each.start, each.end)}
        inside = sorted(day for day in steps if span.start < day < span.end)
        found = []
        for start, end in pairwise([span.start, *inside, span.end]):
            carriers = self._in_force(start)
            last = carriers[-1] if carriers else self._billed_before(start)
            beside = tuple(each.subscription for each in carriers[:-1])
            is_waived = any(each.start <= start < each.end for each in self.waived)
            found.append(DaysInForce(start, end, last, beside, is_waived))
        return found

    def _in_force(self, day: date) -> list[PlanTerms]:
        every = (on_day(rows, day) for rows in self.subscriptions)
        return [each for each in every if each is not None and each.state.in_force]

    def _billed_before(self, day: date) -> PlanTerms | None:
        """The plan by which a closed month billed the day, or by which it was chosen to be."""
        for each in self.fallback:
            if each.active_from <= day < each.active_to:
                return PlanTerms(each.active_from, "", each.plan)
        return None

    @cached_property
    def continuous(self) -> list[tuple[date, date]]:
        """Spans without a day on which no plan was in force."""
        days = sorted({each.on for rows in self.subscriptions for each in rows})
        found: list[tuple[date, date]] = []
        for start, end in pairwise([*days, date.max]):
            if not self._in_force(start):
                continue
            if found and found[-1][1] == start:
                found[-1] = found[-1][0], end
            else:
                found.append((start, end))
        return found

    def held_span(self, start: date, end: date) -> HeldSpan:
        """Some days, with the first day since when a plan has been in force without a gap.

        Days that stay billed follow the plan's last day without a gap, so a reading that was held
        into them when they were billed is still held.
        """
        kept = any(each.active_from <= start < each.active_to for each in self.kept)
        since = (
            first
            for first, last in self.continuous
            if first <= start < last or (kept and start == last)
        )
        return HeldSpan(start, end, next(since, start))


def one_plan(rows: Iterable[Sequence[PlanTerms]], span: Month) -> str:
    """The plan whose same active terms carry the use of every day of a month; else empty."""
    first, *more = PlanCalendar.of(rows).days_in_force(span)
    return "" if more or first.reason or first.terms is None else first.terms.plan


def by_plan(days: Iterable[DaysInForce]) -> Mapping[tuple[str, bool], list[DaysInForce]]:
    """The charged days of each plan; those of a trial apart (True)."""
    found: dict[tuple[str, bool], list[DaysInForce]] = {}
    for each in days:
        if each.terms is None or not each.terms.plan:
            continue
        if each.terms.state in {SubscriptionState.ACTIVE, SubscriptionState.TRIAL}:
            key = each.terms.plan, each.terms.state is SubscriptionState.TRIAL
            found.setdefault(key, []).append(each)
    return found
