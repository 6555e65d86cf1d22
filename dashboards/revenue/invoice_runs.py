"""The page of one month's invoices: its preview, and the steps to preview again and issue it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from aethercrown.formatting import counted, moment_text, money, money_text
from aethercrown.history.attribution import shown_actor
from aethercrown.page_parts import Confirmation
from aethercrown.text import sentence_case
from dashboards import access, page_context
from dashboards.access import opened_by
from dashboards.revenue.invoices import APPROVE, INVOICES, PAGES, REFUSED, run_state
from dashboards.tables import Column, Table
from operations.jobs.caller import caller_of
from revenue.billing import periods, reports
from revenue.billing.services import jobs
from revenue.customers import reports as customers


@opened_by(PAGES, posts=APPROVE)
def invoice_run(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A POST previews the month again, or issues what the preview showed."""
    run = reports.run_of_month(pk)
    if run is None:
        raise Http404(f"There is no run of invoices {pk}.")
    if request.method == "POST":
        _do(request, run)
        return redirect(run_path(pk))
    asked, problems = request.GET.get("step", ""), list[str]()
    confirmation = None
    if asked == "issue" and run.preview and access.holds(request, APPROVE):
        confirmation = issue_confirmation(run, hold="hold" in request.GET)
    elif asked:
        problems = ["Only a month that was previewed is issued, by people who may approve."]
    return _page(request, run, confirmation, problems)


def run_path(pk: int) -> str:
    return reverse("invoice-run", args=[pk])


def _do(request: HttpRequest, run: Any) -> None:
    """Start the job, and say so; what was previewed again meanwhile is not issued unseen."""
    caller, now = caller_of(request), timezone.now()
    try:
        if request.POST.get("step") == "preview":
            jobs.request_preview(
                run.currency, periods.billing_month(run.period_start), caller=caller, now=now
            )
            messages.success(request, "The preview is being made.")
        elif request.POST.get("seen", "") != _made_at(run):
            messages.error(request, "It was previewed again meanwhile: look at it first.")
        else:
            hold = "hold" in request.POST
            jobs.request_issue(run.pk, hold_without_use=hold, caller=caller, now=now)
            messages.success(request, f"{run}: issuing has started.")
    except REFUSED as error:
        messages.error(request, str(error).removeprefix("month: "))


def _made_at(run: Any) -> str:
    return str((run.preview or {}).get("made_at", ""))


def issue_confirmation(run: Any, *, hold: bool) -> Confirmation:
    """What issuing does, by the preview, and that it cannot be undone."""
    missing = run.preview["without_use_count"]
    if hold:
        rule = f"left out: {counted(missing, 'customer')}"
    else:
        rule = f"billed without it: {counted(missing, 'customer')}"
    return Confirmation(
        f"Issue {str(run)[:1].lower()}{str(run)[1:]}? An issued invoice cannot be changed; a credit"
        " note takes it back.",
        "Issue",
        run_path(run.pk),
        run_path(run.pk),
        [*preview_facts(run), ("Use is missing", rule)],
        fields={"step": "issue", "seen": _made_at(run), **({"hold": "yes"} if hold else {})},
    )


def preview_facts(run: Any) -> list[tuple[str, str]]:
    """The preview's sums."""
    found = run.preview
    if found is None:
        return []
    made = parse_datetime(str(found["made_at"]))
    return [
        ("Invoices", f"{found['invoices']:,}"),
        ("Total", money_text(Decimal(found["total"]), run.currency)),
        ("Cannot be billed", counted(found["refused_count"], "customer")),
        ("Previewed", moment_text(made)),
    ]


def _page(
    request: HttpRequest, run: Any, confirmation: Confirmation | None, problems: list[str]
) -> HttpResponseBase:
    job = jobs.newest_job(run)
    tables = [differences_table(run), left_out_table(run)]
    admin_path = reverse("admin:revenue_invoicerun_change", args=[run.pk])
    return page_context.render_page(
        request,
        "invoice-run",
        str(run),
        tables,
        [INVOICES],
        run=run,
        state=run_state(run),
        facts=preview_facts(run),
        starter=shown_actor(run.requested_by) if run.requested_by else "",
        job=job if job and job.is_open else None,
        path=run_path(run.pk),
        failed=job.error if job and job.error else "",
        differences=tables[0],
        left_out=tables[1],
        confirmation=confirmation,
        problems=problems,
        may_issue=access.holds(request, APPROVE) and not (job and job.is_open),
        admin_path=admin_path,
    )


def differences_table(run: Any) -> Table:
    """The customers whose bill differs most from the month before."""
    unit = money(run.currency)
    found = (run.preview or {}).get("differences", ())
    names = [name for name, _ in reports.named_customers([(e["customer_id"], "") for e in found])]
    columns = (
        Column("Customer"),
        Column("Month before", unit),
        Column("This month", unit),
        Column("Change", unit, signs=True),
    )
    month = run.period_start.isoformat()
    pairs = [(_amount(each["before"]), Decimal(each["now"])) for each in found]
    return Table(
        "differences",
        "Largest differences from the month before",
        columns,
        [
            (name, before, now, None if before is None else now - before)
            for name, (before, now) in zip(names, pairs, strict=True)
        ],
        [f"/dashboards/revenue/bills/{each['customer_id']}?month={month}" for each in found],
    )


def _amount(stored: str | None) -> Decimal | None:
    return None if stored is None else Decimal(stored)


def left_out_table(run: Any) -> Table:
    """Who is not billed, and why: by the preview, and once all are issued by the run itself."""
    found: Mapping[str, Any] = run.preview or {}
    if run.finished_at:
        rows = [(key, str(why)) for key, why in run.not_billed]
    else:
        rows = [(key, str(why)) for key, why in found.get("refused", ())]
        rows += [
            (key, f"use is missing: {', '.join(metrics).replace('_', ' ')}")
            for key, metrics in found.get("without_use", ())
        ]
    lines = [(name, sentence_case(why)) for name, why in reports.named_customers(rows)]
    columns = (Column("Customer"), Column("Why", prose=True))
    paths = [customers.page_path(name) for name, _ in lines]
    return Table("left-out", "Not billed, or without their use", columns, lines, paths)
