"""The documented class: create, complete a step, status and report of onboardings."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from aethercrown.currencies import CODES
from enterprise.onboarding.reports import flows as reports
from enterprise.onboarding.services import flows, steps
from enterprise.onboarding.services.flows import NewCompany
from enterprise.sla import business_time

ADDRESS = re.compile(r"[^@\s\x00]{1,64}@[^@\s\x00]+\.[^@\s\x00]{1,63}")
KNOWN = (
    *("company_name", "employee_count", "annual_revenue", "contact_email", "requirements"),
    "currency",
)


class UnknownFlow(LookupError):
    """There is no onboarding with this id."""


class EnterpriseOnboarding:
    """Onboards customers: tier, steps, owners, automatic work. Times are now, in UTC."""

    def create_onboarding_flow(self, company_data: Mapping[str, Any]) -> dict[str, Any]:
        """Start the onboarding of a company. Raises ValueError for what is wrong, and OpenFlow."""
        flow = flows.create(company_from(company_data), datetime.now(UTC))
        return reports.flow_fields(flow)

    def complete_onboarding_step(
        self, onboarding_id: str, step_name: str, notes: str = ""
    ) -> dict[str, Any]:
        """Complete a step, doing what automation does for it. Raises UnknownFlow, UnknownStep."""
        flow = _flow(onboarding_id)
        steps.complete(flow.pk, step_name, datetime.now(UTC), notes=notes)
        return self.get_onboarding_status(onboarding_id)

    def get_onboarding_status(self, onboarding_id: str) -> dict[str, Any]:
        """Progress, current step and forecast. Raises UnknownFlow."""
        return reports.status_fields(_flow(onboarding_id))

    def generate_onboarding_report(self, onboarding_id: str) -> dict[str, Any]:
        """Milestones, next steps, blockers, team and SLA. Raises UnknownFlow."""
        return reports.report_fields(_flow(onboarding_id), datetime.now(UTC))


def company_from(values: Mapping[str, Any]) -> NewCompany:
    """A company of plain values. Raises ValueError, which names every bad field."""
    problems = [f"{name}: is not known here" for name in sorted(set(values) - set(KNOWN))]
    name = values.get("company_name")
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        problems.append("company_name: must be a text that is not blank")
    employees, revenue = values.get("employee_count"), values.get("annual_revenue")
    if not _is_amount(employees) or (employees is not None and employees != int(employees)):
        problems.append("employee_count: must be a whole number, 0 or more")
    if not _is_amount(revenue):
        problems.append("annual_revenue: must be a number, 0 or more")
    problems += _problems_of_texts(values)
    if problems:
        raise ValueError("; ".join(problems))
    return NewCompany(
        name=" ".join(str(name).split())[:200],
        employee_count=None if employees is None else int(employees),
        annual_revenue=None if revenue is None else Decimal(str(revenue)),
        currency=str(values.get("currency") or ""),
        contact_email=str(values.get("contact_email") or ""),
        requirements=dict(values.get("requirements") or {}),
    )


def _problems_of_texts(values: Mapping[str, Any]) -> list[str]:
    """What is wrong with the currency, the address and the requirements; they may be left out."""
    problems = []
    currency = values.get("currency") or ""
    if currency and not (isinstance(currency, str) and currency in CODES):
        problems.append("currency: must be an ISO 4217 code such as USD")
    address = values.get("contact_email") or ""
    if address and not (isinstance(address, str) and ADDRESS.fullmatch(address)):
        problems.append("contact_email: must be an e-mail address")
    requirements = values.get("requirements") or {}
    if not isinstance(requirements, Mapping):
        return [*problems, "requirements: must be an object"]
    zone = requirements.get("time_zone")
    if zone is not None and not (isinstance(zone, str) and business_time.is_zone(zone)):
        problems.append("requirements: time_zone must be a time zone such as Europe/Berlin")
    return problems


def _is_amount(value: object) -> bool:
    """Whether it is unknown, or a finite number of 0 or more."""
    if value is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return Decimal(str(value)).is_finite() and 0 <= value < 10**15


def _flow(onboarding_id: str) -> Any:
    found = reports.find(onboarding_id)
    if found is None:
        raise UnknownFlow(f"There is no onboarding {onboarding_id!r}.")
    return found
