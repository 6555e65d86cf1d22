"""Simulating a version of a price book as a job, over every customer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from operations.jobs import services as jobs
from operations.jobs.registry import JobContext, JobKind
from operations.jobs.reports import Job
from revenue.billing.reports import accounts
from revenue.pricing import reports as pricing
from revenue.pricing.calculation.simulation import SimulatedAccount, Simulation
from revenue.pricing.models import PriceBookVersion


def request(version: PriceBookVersion, *, caller: str, now: datetime) -> Job:
    """Start the simulation against the version in force; one that is open already is returned.

    Raises NothingPublished, Tampered, InvalidValues (another currency) and JobLimitReached.
    """
    against = pricing.version_in_force(now.date(), version.book.code)
    accounts.check_comparable(version, against)
    newest = accounts.newest_simulation(version)
    if newest is not None and newest.is_open:
        return newest
    given = {"version": version.pk}
    subject = accounts.simulation_subject(version)
    return jobs.start(accounts.SIMULATE_JOB, given, caller=caller, now=now, subject=subject)


def perform(context: JobContext) -> dict[str, Any]:
    """Price every customer by both versions as they are now."""
    version = pricing.versions().get(pk=context.input["version"])
    against = pricing.version_in_force(context.now.date(), version.book.code)

    def tracked(known: Sequence[SimulatedAccount]) -> Any:
        return context.track(known, len(known), "Pricing")

    found: Simulation = accounts.simulation(
        version, against, context.now.date(), accounts.ALL, tracked
    )
    return {
        "against": str(against),
        "digests": accounts.digests(version, against),
        "simulation": found.as_dict(),
    }


JOB_KIND = JobKind(
    accounts.SIMULATE_JOB,
    "Simulate prices",
    "revenue",
    "revenue.view_pricebookversion",
    perform,
    page=lambda given: f"/dashboards/pricing/versions/{given['version']}",
)
