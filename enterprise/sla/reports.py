"""Read tiers, calendars and clocks: terms in force, attainment, and what rules would choose."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet

from aethercrown.formatting import counted, date_text, month_text
from aethercrown.metrics.period import Period
from aethercrown.metrics.registry import MetricQuery, measure
from aethercrown.registry import Registry
from enterprise.sla import business_time
from enterprise.sla.business_time import BusinessHours
from enterprise.sla.models import (
    BusinessCalendar,
    CalendarVersion,
    ClockKind,
    ResourceQuota,
    SlaAssignment,
    SlaClock,
    SlaClockEvent,
    SlaThreshold,
    SlaTier,
    TierOverride,
    TierRuleSet,
    VersionState,
)
from enterprise.sla.tier_rules import CompanySize, TierChoice, tier_for
from enterprise.sla.timeline import Timeline, TimelineEvent

ClockRow = SlaClock  # for pages, which import no models
KINDS = ClockKind.values
STATES = SlaClock.State.values
OUTCOMES = SlaClock.Outcome.values
NO_RULES = "There are no published tier rules."
UPTIME_METRIC = "health.availability"


class NothingInForce(LookupError):
    """No version is in force: nothing was published yet."""


@dataclass(frozen=True, slots=True)
class Attainment:
    """Clocks met and breached in a period; the percentage is None where there are none."""

    met: int
    breached: int

    @property
    def percent(self) -> Decimal | None:
        judged = self.met + self.breached
        if not judged:
            return None
        return (Decimal(100 * self.met) / judged).quantize(Decimal("0.1"), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class SimulatedTier:
    """A customer whose tier a rule set would change, and why."""

    customer_id: int
    customer: str
    tier: str
    proposed: str
    reasons: tuple[str, ...]


def calendar_in_force(name: str) -> CalendarVersion:
    """The latest published version of a calendar. Raises NothingInForce."""
    rows = CalendarVersion.objects.filter(calendar__name=name, state=VersionState.PUBLISHED)
    found = rows.select_related("calendar").prefetch_related("days").order_by("-number").first()
    if found is None:
        raise NothingInForce(f"No version of the calendar {name} is published.")
    return found


def number_in_force(calendar_id: int) -> int | None:
    """The number of the latest published version of a calendar; None without one."""
    rows = CalendarVersion.objects.filter(calendar=calendar_id, state=VersionState.PUBLISHED)
    return rows.order_by("-number").values_list("number", flat=True).first()


def calendar_version(pk: int) -> CalendarVersion:
    return CalendarVersion.objects.prefetch_related("days").get(pk=pk)


def hours_of(version_id: int, zone: str) -> BusinessHours:
    """The hours of a calendar version in a zone."""
    return calendar_version(version_id).business_hours(zone)


def rules_in_force() -> TierRuleSet:
    """The latest published rule set, with its rules. Raises NothingInForce."""
    rows = TierRuleSet.objects.filter(state=VersionState.PUBLISHED).order_by("-number")
    found = rows.prefetch_related("rules__tier", "rates").first()
    if found is None:
        raise NothingInForce(NO_RULES)
    return found


def choose_tier(
    size: CompanySize, *, customer_id: int | None = None, now: datetime
) -> tuple[TierChoice, TierRuleSet]:
    """The tier of a company by an override in force, else by the rules. Raises NothingInForce."""
    rule_set = rules_in_force()
    override = override_in_force(customer_id, now) if customer_id else None
    if override is not None:
        reason = f"override until {date_text(override.expires_at)}: {override.reason}"
        return TierChoice(override.tier.code, (reason,)), rule_set
    return tier_for(size, rule_set.rule_set), rule_set


def override_in_force(customer_id: int, now: datetime) -> TierOverride | None:
    rows = TierOverride.objects.filter(
        customer=customer_id, ended_at=None, begins_at__lte=now, expires_at__gt=now
    )
    return rows.select_related("tier").first()


def tier(code: str) -> SlaTier | None:
    return SlaTier.objects.select_related("support_hours").filter(code=code).first()


def assignment(customer_id: int) -> SlaAssignment | None:
    """The SLA of a customer in force; None without one."""
    rows = SlaAssignment.objects.filter(customer=customer_id, ended_at=None)
    return rows.select_related("tier").first()


def quotas(customer_id: int) -> dict[str, int]:
    """What the customer may use of each resource."""
    rows = ResourceQuota.objects.filter(customer=customer_id)
    return dict(rows.values_list("resource", "amount"))


def measured_uptime(now: datetime) -> float | None:
    """Availability of this month in percent by stored health checks; None where it is unknown.

    Maintenance and times without a check count neither way.
    """
    month = Period(now.date().replace(day=1), now.date())
    value = measure([UPTIME_METRIC], MetricQuery(month, "", now))[0].reading.value
    return None if value is None else round(float(value), 3)


def company_zone() -> str:
    """The company's own time zone."""
    return str(settings.COMPANY_TIME_ZONE)


def timelines(clocks: Iterable[SlaClock]) -> dict[int, Timeline]:
    """The events of clocks since their last opening, ready for arithmetic; two queries."""
    wanted = {each.pk: each for each in clocks}
    events = SlaClockEvent.objects.filter(clock__in=wanted).order_by("pk")
    found: dict[int, list[TimelineEvent]] = {pk: [] for pk in wanted}
    hours: dict[tuple[int, str], BusinessHours] = {}
    for row in events.select_related("calendar_version").prefetch_related("calendar_version__days"):
        clock = wanted[row.clock_id]
        if row.generation == clock.generation:
            found[clock.pk].append(_event(row, clock.zone, hours))
    return {pk: Timeline(tuple(each)) for pk, each in found.items() if each}


def _event(
    row: SlaClockEvent, zone: str, hours: dict[tuple[int, str], BusinessHours]
) -> TimelineEvent:
    version = row.calendar_version
    if version is None:
        return TimelineEvent(row.kind, row.at, row.target)
    key = (version.pk, zone)
    if key not in hours:
        hours[key] = version.business_hours(zone)
    return TimelineEvent(row.kind, row.at, row.target, hours[key], row.counts_from or row.at)


def thresholds(kind: str) -> dict[int, str]:
    """The severity of each threshold of a kind of clock, lowest percentage first."""
    rows = SlaThreshold.objects.filter(kind=kind).order_by("percent")
    return dict(rows.values_list("percent", "severity"))


def attainment(
    month: date, *, customer_id: int | None = None, kind: str | None = None
) -> Attainment:
    """Clocks met and breached in the month of a day, in UTC; a clock counts once."""
    begin = datetime.combine(month.replace(day=1), time(), UTC)
    end = (begin + timedelta(days=32)).replace(day=1)
    rows = SlaClock.objects.filter(judged_at__gte=begin, judged_at__lt=end)
    if customer_id is not None:
        rows = rows.filter(customer=customer_id)
    if kind is not None:
        rows = rows.filter(kind=kind)
    outcomes = SlaClock.Outcome
    return Attainment(
        **rows.aggregate(
            met=Count("pk", filter=Q(outcome=outcomes.MET)),
            breached=Count("pk", filter=Q(outcome=outcomes.BREACHED)),
        )
    )


def attainment_by_month(today: date, months: int = 6) -> list[tuple[str, Attainment]]:
    """The attainment of the last months, the present one first."""
    found, first = [], today.replace(day=1)
    for _ in range(months):
        found.append((month_text(first), attainment(first)))
        first = (first - timedelta(days=1)).replace(day=1)
    return found


def clocks() -> QuerySet[SlaClock]:
    return SlaClock.objects.select_related("customer", "calendar_version__calendar")


def outdated_clocks(calendar_id: int) -> QuerySet[SlaClock]:
    """Open clocks on an older version of a calendar than the one in force."""
    newest = _newest_version(calendar_id)
    rows = SlaClock.objects.exclude(state=SlaClock.State.STOPPED)
    return rows.filter(calendar_version__calendar=calendar_id).exclude(calendar_version=newest)


def outdated_notes() -> list[str]:
    """A sentence for each calendar on whose older versions clocks run."""
    found = []
    for calendar in BusinessCalendar.objects.all():
        if count := outdated_clocks(calendar.pk).count():
            verb = "runs" if count == 1 else "run"
            found.append(f"{counted(count, 'clock')} {verb} on an older version of {calendar}.")
    return found


def _newest_version(calendar_id: int) -> int | None:
    rows = CalendarVersion.objects.filter(calendar=calendar_id, state=VersionState.PUBLISHED)
    return rows.order_by("-number").values_list("pk", flat=True).first()


@dataclass(frozen=True, slots=True)
class CustomerSizes:
    """A feature that knows how large customers are; it registers here."""

    name: str
    read: Callable[[], Sequence[tuple[int, str, CompanySize]]]


size_sources: Registry[CustomerSizes] = Registry("source of customer sizes")


def customer_sizes() -> list[tuple[int, str, CompanySize]]:
    """Customers with a tier, with their name and size, where a feature knows it."""
    return [row for each in size_sources for row in each.read()]


def simulate(
    rule_set: TierRuleSet, sizes: Sequence[tuple[int, str, CompanySize]]
) -> list[SimulatedTier]:
    """Customers whose tier in force differs from what the rule set would choose.

    `sizes` are customers with their name and size; those with an override are left out.
    """
    ids = [each[0] for each in sizes]
    rows = SlaAssignment.objects.filter(customer__in=ids, ended_at=None)
    present: Mapping[int, str] = dict(rows.values_list("customer", "tier__code"))
    rules, found = rule_set.rule_set, []
    for customer_id, name, size in sizes:
        choice = tier_for(size, rules)
        tier_now = present.get(customer_id, "")
        if tier_now and choice.tier != tier_now:
            found.append(SimulatedTier(customer_id, name, tier_now, choice.tier, choice.reasons))
    return found


def response_text(terms: Mapping[str, Any]) -> str:
    """A response target as pages say it: 3 business days (24 h of support time)."""
    hours = int(terms["response_hours"])
    if terms["support_hours"] == "24/7":
        return f"{hours} h"
    try:
        version = calendar_in_force(terms["support_hours"])
    except NothingInForce:  # staff deleted it since the terms were pinned
        return f"{hours} h of support time"
    days = hours / _hours_a_day(version.business_hours("UTC"))
    if days < 1 or days != int(days):
        return f"{hours} h of support time"
    return f"{counted(int(days), 'business day')} ({hours} h of support time)"


def _hours_a_day(hours: BusinessHours) -> float:
    """The open hours of the first open weekday."""
    first = next(each for each in hours.weekly if each)
    return sum((each.end - each.start for each in first), business_time.NONE) / timedelta(hours=1)
