"""Onboarding and SLA as metrics."""

from datetime import timedelta

from django.db.models import Avg, Count, F, Q

from aethercrown.formatting import counted
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from enterprise.onboarding import states
from enterprise.onboarding.models import OnboardingFlow
from enterprise.sla.models import SlaClock

ONBOARDING_PAGE, SLA_PAGE = "/dashboards/onboarding", "/dashboards/sla"
NONE_ENDED = "No onboarding was completed in the period"
NONE_JUDGED = "No clock was met or breached in the period"


def read(query: MetricQuery) -> dict[str, Reading]:
    begin, end = query.span
    ended = Q(completed_at__gte=begin, completed_at__lt=end, status=states.COMPLETED)
    found = OnboardingFlow.objects.aggregate(
        open=Count("pk", filter=Q(status__in=states.OPEN_FLOWS)),
        held=Count("pk", filter=Q(status=states.ON_HOLD)),
        completed=Count("pk", filter=ended),
        mean=Avg(F("completed_at") - F("started_at"), filter=ended),
    )
    mean: timedelta | None = found["mean"]
    return {
        "onboarding.open": Reading(found["open"], note=f"{found['held']:,} on hold"),
        "onboarding.completed": Reading(found["completed"]),
        "onboarding.duration": Reading(mean.total_seconds()) if mean else unknown(NONE_ENDED),
    }


def read_sla(query: MetricQuery) -> dict[str, Reading]:
    begin, end = query.span
    judged = Q(judged_at__gte=begin, judged_at__lt=end)
    outcomes = SlaClock.Outcome
    found = SlaClock.objects.filter(judged).aggregate(
        met=Count("pk", filter=Q(outcome=outcomes.MET)),
        breached=Count("pk", filter=Q(outcome=outcomes.BREACHED)),
    )
    total = found["met"] + found["breached"]
    note = f"of {counted(total, 'clock')}"
    return {
        "sla.attainment": Reading(100 * found["met"] / total, note=note)
        if total
        else unknown(NONE_JUDGED),
        "sla.breaches": Reading(found["breached"]),
    }


METRICS = (
    Metric(
        "onboarding.open",
        "Onboardings open",
        "Onboardings that are neither completed nor ended otherwise.",
        MetricUnit.COUNT,
        Good.NEITHER,
        ONBOARDING_PAGE,
        read,
        has_history=False,
    ),
    Metric(
        "onboarding.completed",
        "Onboardings completed",
        "Onboardings whose last step was done in the period.",
        MetricUnit.COUNT,
        Good.UP,
        ONBOARDING_PAGE,
        read,
    ),
    Metric(
        "onboarding.duration",
        "Time to go-live",
        "The mean time from start to end of the onboardings completed in the period.",
        MetricUnit.SECONDS,
        Good.DOWN,
        ONBOARDING_PAGE,
        read,
    ),
    Metric(
        "sla.attainment",
        "SLA attainment",
        "Clocks met in percent of those met or breached in the period.",
        MetricUnit.PERCENT,
        Good.UP,
        SLA_PAGE,
        read_sla,
    ),
    Metric(
        "sla.breaches",
        "SLA breaches",
        "Clocks whose target was used up in the period before they were stopped.",
        MetricUnit.COUNT,
        Good.DOWN,
        SLA_PAGE,
        read_sla,
    ),
)
