"""Find the SLA clocks of a flow and its steps."""

from collections.abc import Collection

from enterprise.sla.models import SlaClock


def step_subject(step_id: int) -> str:
    return f"onboarding step {step_id}"


def response_subject(flow_id: int) -> str:
    return f"onboarding {flow_id}"


def flow_clocks(flow_id: int, step_ids: Collection[int]) -> list[SlaClock]:
    """The clocks of a flow, that of the first response first."""
    subjects = [response_subject(flow_id), *map(step_subject, step_ids)]
    return list(SlaClock.objects.filter(subject__in=subjects).order_by("kind", "pk"))
