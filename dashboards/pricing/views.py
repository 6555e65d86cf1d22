"""The pricing pages: plans, versions and quotes; a simulation; one quote."""

from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import date_text, full, money, signed
from aethercrown.history.attribution import actor_of
from aethercrown.page_parts import Confirmation, JobProgress
from aethercrown.transitions import InvalidTransition
from dashboards import access, page_context
from dashboards.access import opened_by, viewer
from dashboards.jobs import views as job_views
from dashboards.pricing import tables
from dashboards.tables import Table
from operations.jobs.caller import caller_of
from operations.jobs.services import JobLimitReached
from revenue.billing import reports as billing
from revenue.billing.services import price_simulation
from revenue.customers import reports as customers
from revenue.pricing import reports, services
from revenue.pricing.calculation.simulation import Simulation
from revenue.pricing.decimals import InvalidValues

PAGES = "security.view_pages"
APPROVE, EDIT = "security.approve_decisions", "revenue.change_pricebookversion"
PRICING = page_context.Breadcrumb("Plans & prices", "/dashboards/pricing")
MAX_REPEATED = 12  # changes in the confirm step
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
        PRICING.title,
        [plans, versions, quotes],
        in_force=in_force,
        missing=missing,
        plans=plans,
        versions=versions,
        quotes=quotes,
        book=in_force.book if in_force and access.holds(request, EDIT) else None,
    )


@opened_by(PAGES, posts=PAGES)
def version(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A version against the one in force, and its findings; a POST publishes or simulates it."""
    try:
        found = reports.versions().get(pk=pk)
    except ObjectDoesNotExist:
        raise Http404(f"There is no version {pk}.") from None
    if request.method == "POST":
        publishes = request.POST.get("step") == "publish"
        return _published(request, found) if publishes else _requested(request, found)
    comparison = _compared(found)
    context = _shown(comparison.simulation) if comparison.simulation else {"tables": []}
    changes = _changes(found)
    context["tables"] = [*([changes] if changes else []), *context["tables"]]
    findings = reports.findings(pk)
    may_publish = found.is_draft and access.holds(request, APPROVE)
    asked = may_publish and request.GET.get("step") == "publish"
    return page_context.render_page(
        request,
        "prices",
        str(found),
        context.pop("tables"),
        [PRICING],
        version=found,
        comparison=comparison,
        most=billing.MAX_PAGE_ACCOUNTS,
        findings=findings,
        changes=changes,
        may_publish=may_publish,
        edit_path=reverse("pricing-edit", args=[pk]) if found.is_draft else "",
        confirmation=_confirmation(found, comparison, changes, findings) if asked else None,
        admin_path=reverse("admin:revenue_pricebookversion_change", args=[pk]),
        **context,
    )


def _changes(found: Any) -> Table | None:
    """What differs from the version in force; None where one of them cannot be read."""
    try:
        against = reports.version_in_force(timezone.now().date(), found.book.code)
        if against.pk == found.pk:
            return None
        return tables.changes(reports.changes_against(found, against), str(against), str(found))
    except (reports.NothingPublished, reports.Tampered, InvalidValues):
        return None


def _confirmation(
    found: Any, comparison: "PriceComparison", changes: Table | None, findings: list[str]
) -> Confirmation:
    """Repeats who pays more, and the first changes; it publishes only what was shown."""
    amounts = [("Applies from", date_text(found.effective_from))]
    if simulated := comparison.simulation:
        unit = money(simulated.currency, 0)
        gain = signed(simulated.then - simulated.now, unit)
        who = f"{simulated.pay_more:,} pay more, {simulated.pay_less:,} less"
        amounts.append(("Revenue a month if nobody leaves", f"{gain}; {who}"))
    rows = changes.rows if changes else ()
    arrow = "\N{RIGHTWARDS ARROW}"
    amounts += [(str(what), f"{old} {arrow} {new}") for what, old, new in rows[:MAX_REPEATED]]
    if len(rows) > MAX_REPEATED:
        amounts.append(("More changes", f"{len(rows) - MAX_REPEATED:,}"))
    path = reverse("pricing-version", args=[found.pk])
    question = f"Publish {found}? It can never be changed afterwards, only followed by another."
    fields = {"step": "publish", "seen": reports.draft_state(found)}
    return Confirmation(question, "Publish", path, path, amounts, findings, fields)


def _published(request: HttpRequest, found: Any) -> HttpResponseBase:
    """Publish what the person saw; pressed twice, it is published once."""
    if not access.holds(request, APPROVE):
        raise PermissionDenied
    actor = actor_of(request)
    if found.is_draft and request.POST.get("seen") != reports.draft_state(found):
        messages.error(request, f"{found} was changed since you looked at it: look again.")
        return redirect("pricing-version", pk=found.pk)
    try:
        services.publish(found.pk, actor=actor, now=timezone.now())
    except (InvalidValues, InvalidTransition) as error:
        if found.published_by != actor:
            messages.error(request, str(error))
            return redirect("pricing-version", pk=found.pk)
    messages.success(request, f"Published {found}, from {date_text(found.effective_from)}.")
    return redirect("pricing-version", pk=found.pk)


@dataclass(frozen=True, slots=True)
class PriceComparison:
    """The simulation of a version, or why there is none; the job that made or makes it.

    It is stale where one of the versions was changed since.
    """

    simulation: Simulation | None = None
    missing: str = ""
    needs_job: bool = False
    progress: JobProgress | None = None
    made_at: datetime | None = None
    against: str = ""
    is_stale: bool = False


def _compared(found: Any) -> PriceComparison:
    """Priced now where the customers are few, otherwise what the newest job found."""
    today = timezone.now().date()
    try:
        against = reports.version_in_force(today, found.book.code)
        if not billing.needs_job(against):
            return PriceComparison(billing.simulation(found, against, today))
        digests = billing.digests(found, against)
    except (reports.NothingPublished, reports.Tampered, InvalidValues) as error:
        return PriceComparison(missing=str(error))
    job = billing.newest_simulation(found)
    if job is None:
        return PriceComparison(needs_job=True)
    progress = job_views.progress(job) if job.state != job.State.DONE else None
    if job.result is None:
        return PriceComparison(needs_job=True, progress=progress)
    return PriceComparison(
        Simulation.from_dict(job.result["simulation"]),
        needs_job=True,
        made_at=job.ended_at,
        against=job.result["against"],
        is_stale=job.result["digests"] != digests,
    )


def _requested(request: HttpRequest, found: Any) -> HttpResponseBase:
    """Start the job, and back to the page, which shows how far it is."""
    try:
        price_simulation.request(found, caller=caller_of(request), now=timezone.now())
    except (reports.NothingPublished, reports.Tampered, InvalidValues, JobLimitReached) as error:
        messages.error(request, str(error))
    return redirect("pricing-version", pk=found.pk)


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
