"""The page of invoices: months issued and to be issued, and the newest invoices."""

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import COUNT, Unit, money_text, month_text
from aethercrown.page_parts import EmptyState
from aethercrown.transitions import InvalidTransition
from dashboards import access, page_context
from dashboards.access import opened_by
from dashboards.listing import ListField, Listing
from dashboards.tables import Column, Table
from operations.jobs.caller import caller_of
from operations.jobs.services import JobLimitReached
from revenue.billing import periods, reports
from revenue.billing.services import jobs
from revenue.customers.services import InvalidEntry

PAGES, APPROVE = "security.view_pages", "security.approve_decisions"
INVOICES = page_context.Breadcrumb("Invoices", "/dashboards/invoices")
MONTHS_OFFERED = 6
MAX_RUNS = 12
NO_INVOICE = EmptyState("No invoice yet", "Preview a month that is over, and issue it.")
TWO_DECIMALS = Unit(digits=2)
REFUSED = (InvalidEntry, InvalidTransition, JobLimitReached)


@opened_by(PAGES, posts=APPROVE)
def invoices(request: HttpRequest) -> HttpResponseBase:
    """A POST starts the preview of a month, and leads to it; nothing is issued by that."""
    months = [each.start for each in periods.complete_months(timezone.localdate(), MONTHS_OFFERED)]
    if request.method == "POST":
        return _previewed(request, {each.isoformat(): each for each in months})
    runs = runs_table(reports.newest_runs(MAX_RUNS))
    listing = invoice_listing(request)
    return page_context.render_page(
        request,
        "invoices",
        "Invoices",
        [runs, listing],
        runs=runs,
        listing=listing,
        no_invoice=NO_INVOICE,
        months=[(each.isoformat(), month_text(each)) for each in reversed(months)],
        may_issue=access.holds(request, APPROVE),
    )


def _previewed(request: HttpRequest, months: dict[str, Any]) -> HttpResponseBase:
    month = months.get(request.POST.get("month", ""))
    if month is None:
        messages.error(request, "Choose one of the months that are over.")
        return redirect("invoices")
    span = periods.billing_month(month)
    try:
        runs = jobs.request_previews("", span, caller=caller_of(request), now=timezone.now())
    except REFUSED as error:
        messages.error(request, str(error).removeprefix("month: "))
        return redirect("invoices")
    if not runs:
        messages.info(request, f"No customer is due in {month_text(month)}.")
    elif len(runs) == 1:
        return redirect("invoice-run", pk=runs[0].pk)
    return redirect("invoices")


def run_state(run: Any) -> str:
    """Where issuing the month is."""
    return "done" if run.finished_at else "running" if run.approved_at else "proposed"


def runs_table(rows: Any) -> Table:
    """One row a month and currency, with what was previewed and what was issued."""
    columns = (
        Column("Month"),
        Column("Currency"),
        Column("Preview"),
        Column("State", badge=True),
        Column("Issued", COUNT),
        Column("Not billed", COUNT),
        Column("Finished at"),
    )
    lines, paths = [], []
    for each in rows:
        known = each.preview
        shown = f"{known['invoices']:,}, {money_text_of(known, each.currency)}" if known else ""
        counts = (each.issued_count, len(each.not_billed)) if each.finished_at else (None, None)
        lines.append(
            (
                *(month_text(each.period_start), each.currency, shown, run_state(each)),
                *counts,
                each.finished_at,
            )
        )
        paths.append(reverse("invoice-run", args=[each.pk]))
    return Table("runs", "Months", columns, lines, paths)


def money_text_of(preview: Any, currency: str) -> str:
    return money_text(Decimal(preview["total"]), currency)


def invoice_listing(request: HttpRequest) -> Listing:
    """The newest invoices; each leads to the page of its bill, which says why it is what it is."""
    fields = (
        ListField("customer__name", Column("Customer"), search=True),
        ListField("period_start", Column("Month"), show=month_text),
        ListField("total", Column("Total", TWO_DECIMALS)),
        ListField("currency", Column("Currency"), filter=True),
        ListField("issued_at", Column("Issued at")),
    )
    return Listing(
        "invoices", "Invoices", fields, reports.listed_invoices(), request.GET.dict(),
        order="-issued_at", noun="invoice",
        path="/dashboards/revenue/bills/{customer_id}?month={period_start}",
    )  # fmt: skip
