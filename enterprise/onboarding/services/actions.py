"""What automation does for a step: run, and compensate in a roll-back, in one table.

`prepare` may call other systems and runs outside every transaction; `run` and `compensate` write in
the transaction that moves the step, so that a worker that dies has done all of it or nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aethercrown.crypto import sealing
from enterprise.onboarding import actions
from enterprise.onboarding.models import (
    IssuedKeySecret,
    OnboardingContact,
    OnboardingFlow,
    OnboardingStep,
)
from enterprise.onboarding.services import step_clocks
from enterprise.sla import reports as sla_reports
from enterprise.sla import services as sla
from operations.health.services.run_checks import check_and_report
from revenue.customers import services as customers
from security.apikeys import services as apikeys

KEY_SCOPES = ("enterprise:read", "enterprise:write")
SECRET_LIFETIME = timedelta(days=30)
UNHEALTHY = "unhealthy"
Values = Mapping[str, Any]


class ActionRefused(Exception):
    """The work cannot be done now; `failing` names what is wrong."""

    def __init__(self, message: str, failing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.failing = failing


def prepare_nothing() -> dict[str, Any]:
    return {}


def compensate_nothing(_flow: OnboardingFlow, _step: OnboardingStep, _now: datetime) -> None:
    """What was done stays, as a link that was sent."""


@dataclass(frozen=True, slots=True)
class StepWork:
    """The functions of one action; `run` returns what is stored as the step's result."""

    run: Callable[[OnboardingFlow, OnboardingStep, Values, datetime], dict[str, Any]]
    prepare: Callable[[], dict[str, Any]] = prepare_nothing
    compensate: Callable[[OnboardingFlow, OnboardingStep, datetime], None] = compensate_nothing


def create_customer(
    flow: OnboardingFlow, _step: OnboardingStep, _prepared: Values, now: datetime
) -> dict[str, Any]:
    """The customer of this company: an existing one with its id or name, or a new row.

    Of an existing one each contact of the flow must be known: a company's name is no proof, and a
    contact gets a key and invoices. Raises ActionRefused, until somebody has added the contact.
    """
    customer, is_new = customers.find_or_create(
        flow.company_name,
        currency=flow.currency,
        zone=str(flow.requirements.get("time_zone", "UTC")),
        now=now,
    )
    people = list(flow.contacts.filter(left_at=None))
    if not is_new and (strangers := _unknown_to(customer, people)):
        raise ActionRefused(
            f"{customer.name} is a customer already, and {', '.join(strangers)} is not among its "
            "contacts. If it is theirs, add it to the customer: the step is tried again."
        )
    flow.customer = customer
    for contact in people:
        add_to_customer(customer.pk, contact)
    return {"customer_id": customer.external_id, "created": is_new}


def _unknown_to(customer: Any, people: Sequence[OnboardingContact]) -> list[str]:
    """The addresses of the flow's contacts that the customer does not have."""
    known = {each.lower() for each in customer.contacts.values_list("email", flat=True)}
    return [each.email for each in people if each.email.lower() not in known]


def add_to_customer(customer_id: int, contact: OnboardingContact) -> None:
    """The customer knows the contact too, for invoices and other mail; a known address stays."""
    customers.add_contact(
        customer_id,
        name=contact.name,
        email=contact.email,
        role=contact.role,
        time_zone=contact.zone,
    )


def assign_sla(
    flow: OnboardingFlow, _step: OnboardingStep, _prepared: Values, now: datetime
) -> dict[str, Any]:
    """Store the pinned terms as the customer's SLA, and start the clock of the first response."""
    customer = _customer(flow)
    before = sla_reports.assignment(customer.pk)
    assigned = sla.assign_tier(
        customer.pk, flow.terms, now, rule_set=flow.rule_set, reasons=tuple(flow.tier_reasons)
    )
    clock = step_clocks.open_response(flow, customer.time_zone, now)
    return {"sla_assignment": assigned.pk, "changed": assigned != before, "clock": clock}


def restore_sla(_flow: OnboardingFlow, step: OnboardingStep, now: datetime) -> None:
    """What the customer had before is in force again; nothing, where the step changed nothing."""
    if step.result.get("changed", True):
        sla.undo_assignment(step.result["sla_assignment"], now)


def set_up_environment(
    flow: OnboardingFlow, _step: OnboardingStep, _prepared: Values, now: datetime
) -> dict[str, Any]:
    """Store the quotas of the terms in force, and read them back."""
    customer = _customer(flow)
    before = sla_reports.quotas(customer.pk)
    present = sla_reports.assignment(customer.pk)
    terms = flow.terms if present is None else present.terms
    return {"quotas": sla.set_quotas(customer.pk, terms, now), "before": before}


def restore_environment(flow: OnboardingFlow, step: OnboardingStep, now: datetime) -> None:
    """The quotas that the customer had before, or none."""
    before = step.result.get("before")
    sla.remove_quotas(_customer(flow).pk)
    if before:
        sla.set_quotas(_customer(flow).pk, before, now)


def create_api_key(
    flow: OnboardingFlow, step: OnboardingStep, _prepared: Values, now: datetime
) -> dict[str, Any]:
    """A key of this customer; its text is sealed until a contact fetches it once.

    Key, sealed text and the step's state are one transaction: a worker that dies leaves no key.
    """
    customer = _customer(flow)
    issued = apikeys.create(
        f"{customer.external_id} onboarding"[:100],
        KEY_SCOPES,
        now=now,
        customer=customer.pk,
    )
    secret = IssuedKeySecret(step=step, key_id=issued.key.pk, expires_at=now + SECRET_LIFETIME)
    secret.sealed = sealing.seal(issued.plaintext, secret.context)
    IssuedKeySecret.objects.filter(step=step).delete()
    secret.save()
    return {"key_id": issued.key.pk, "hint": issued.key.hint}


def revoke_api_key(_flow: OnboardingFlow, step: OnboardingStep, now: datetime) -> None:
    IssuedKeySecret.objects.filter(step=step).delete()
    apikeys.revoke(step.result["key_id"], now=now)


def run_health_check() -> dict[str, Any]:
    """A round of checks; up to HEALTH_CHECK_TIMEOUT_SECONDS."""
    return check_and_report()


def require_health(
    _flow: OnboardingFlow, _step: OnboardingStep, report: Values, _now: datetime
) -> dict[str, Any]:
    """The stored result of a check in which nothing is unhealthy. Raises ActionRefused."""
    shown = report["components"].items()
    failing = tuple(name for name, each in shown if each["status"] == UNHEALTHY)
    if failing or report["overall_status"] == UNHEALTHY:
        raise ActionRefused(f"The health check fails: {', '.join(failing)}.", failing)
    checked_at = report["checked_at"]
    return {
        "overall_status": report["overall_status"],
        "checked_at": checked_at.isoformat() if checked_at else None,
        "components": len(report["components"]),
    }


Works = Mapping[str, StepWork]
WORK: Works = {
    actions.CREATE_CUSTOMER: StepWork(create_customer),
    actions.ASSIGN_SLA: StepWork(assign_sla, compensate=restore_sla),
    actions.SET_UP_ENVIRONMENT: StepWork(set_up_environment, compensate=restore_environment),
    actions.CREATE_API_KEY: StepWork(create_api_key, compensate=revoke_api_key),
    actions.CHECK_HEALTH: StepWork(require_health, prepare=run_health_check),
}


def _customer(flow: OnboardingFlow) -> Any:
    if flow.customer is None:
        raise ActionRefused("The customer does not exist yet: account_creation comes first.")
    return flow.customer
