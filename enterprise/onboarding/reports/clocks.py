"""Find the SLA clocks of a flow and its steps."""

from collections.abc import Collection

from enterprise.sla.models import ClockKind, SlaClock


def step_subject(step_id: int) -> str:
    return f"onboarding step {step_id}"


def response_subject(flow_id: int) -> str:
    return f"onboarding {flow_id}"


def step_clock(step_id: int) -> SlaClock | None:
    """The clock of a step; None before the step was ready."""
    return SlaClock.objects.filter(kind=ClockKind.STEP, subject=step_subject(step_id)).first()


def response_clock(flow_id: int) -> SlaClock | None:
    rows = SlaClock.objects.filter(kind=ClockKind.RESPONSE, subject=response_subject(flow_id))
    return rows.first()


def flow_clocks(flow_id: int, step_ids: Collection[int]) -> list[SlaClock]:
    """The clocks of a flow, that of the first response first."""
    subjects = [response_subject(flow_id), *map(step_subject, step_ids)]
    return list(SlaClock.objects.filter(subject__in=subjects).order_by("kind", "pk"))
