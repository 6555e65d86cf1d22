"""The pricing pages: plans, versions and quotes; a simulation; one quote."""

from operator import attrgetter
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import full, money
from dashboards import page_context
from dashboards.access import viewer
from dashboards.pricing import tables
from revenue.billing import reports as billing
from revenue.customers import reports as customers
from revenue.pricing import reports
from revenue.pricing.calculation.simulation import Simulation
from revenue.pricing.decimals import InvalidValues

PRICING = page_context.Breadcrumb("Pricing", "/dashboards/pricing")
MAX_ROWS = 30
FIGURES = attrgetter("kind", "quantity", "unit_amount", "amount")  # of a line, without its words


@viewer
def pricing(request: HttpRequest) -> HttpResponseBase:
    """Plans on sale, versions, and the newest quotes."""
    try:
        in_force = reports.version_in_force(timezone.now().date())
        currency = in_force.book.currency
        earned = {each.plan: each for each in customers.mrr_by_plan(currency)}
        plans = tables.plans(reports.plans_on_sale(timezone.now().date()), currency, earned)
        missing = ""
    except (reports.NothingPublished, reports.Tampered) as error:
        in_force, plans, missing = None, tables.plans({}, "USD", {}), str(error)
    versions = tables.versions(reports.newest_versions(MAX_ROWS))
    quotes = tables.quotes(list(reports.quotes()[:MAX_ROWS]))
    return page_context.render_page(
        request,
        "pricing",
        "Pricing",
        [plans, versions, quotes],
        in_force=in_force,
        missing=missing,
        plans=plans,
        versions=versions,
        quotes=quotes,
    )


@viewer
def version(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Simulate a version against the one in force, and list its findings."""
    try:
        found = reports.versions().get(pk=pk)
    except ObjectDoesNotExist:
        raise Http404(f"There is no version {pk}.") from None
    simulated, missing = _simulated(found)
    context = _shown(simulated) if simulated else {"tables": []}
    return page_context.render_page(
        request,
        "prices",
        str(found),
        context.pop("tables"),
        [PRICING],
        version=found,
        missing=missing,
        findings=reports.findings(pk),
        admin_path=reverse("admin:revenue_pricebookversion_change", args=[pk]),
        **context,
    )


def _simulated(found: Any) -> tuple[Simulation | None, str]:
    """The simulation, or why there is none."""
    try:
        against = reports.version_in_force(timezone.now().date(), found.book.code)
        return billing.simulation(found, against, timezone.now().date()), ""
    except (reports.NothingPublished, reports.Tampered, InvalidValues) as error:
        return None, str(error)


def _shown(found: Simulation) -> dict[str, Any]:
    named = {
        "deciles": tables.deciles(found),
        "segments": tables.segments(found),
        "rises": tables.price_changes("rises", "Largest rises", found.rises, found.currency),
        "falls": tables.price_changes("falls", "Largest falls", found.falls, found.currency),
        "left_out": tables.left_out(found),
    }
    return {
        "figures": tables.simulation_figures(found),
        "customers": found.customers,
        "most": f"{reports.MAX_PAGE_ACCOUNTS:,}",
        "tables": list(named.values()),
        **named,
    }


@viewer
def quote(request: HttpRequest, quote_id: UUID) -> HttpResponseBase:
    """One quote line by line, and whether a recalculation gives the same figures."""
    try:
        found = reports.quote(str(quote_id))
    except ObjectDoesNotExist:
        raise Http404(f"There is no quote {quote_id}.") from None
    lines = reports.lines(found)
    explained = tables.quote_lines(lines, found.currency)
    inputs = tables.quote_inputs(found.inputs)
    try:
        again = reports.recalculate(found).lines
        repeats = [FIGURES(each) for each in again] == [FIGURES(each) for each in lines]
    except reports.Tampered:
        repeats = False
    return page_context.render_page(
        request,
        "quote",
        f"Quote {str(quote_id)[:8]}",
        [explained, inputs],
        [PRICING],
        quote=found,
        explained=explained,
        inputs=inputs,
        repeats=repeats,
        agreed=full(found.agreed_price, money(found.currency)),
        admin_path=reverse("admin:revenue_quote_change", args=[found.pk]),
    )
