"""The page of one customer's bill for a month."""

from datetime import date, timedelta
from typing import Any

from django.core.exceptions import BadRequest, ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from aethercrown.formatting import full, money, month_text, signed
from dashboards import page_context
from dashboards.access import viewer
from dashboards.pricing import tables
from dashboards.revenue import bill_change
from dashboards.tables import Table
from revenue.billing import periods, reports
from revenue.billing.reports.bills import Bill
from revenue.customers import reports as customers
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.price_book.version import NoSuchPlan

REVENUE = page_context.Breadcrumb("MRR", "/dashboards/revenue")
PAST_MONTHS = 6  # offered beside the current one


@viewer
def bill(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What a customer owes for a month, line by line: as issued, or as previewed now."""
    try:
        external_id, name, zone = customers.identity(pk)
    except ObjectDoesNotExist:
        raise Http404(f"There is no customer number {pk}.") from None
    today = periods.today_in(zone, timezone.now())
    span = periods.billing_month(_month(request) or today)
    found, missing = _found(external_id, span.start)
    shown = _shown(found) if found else {"tables": []}
    why, differs = _why(external_id, found) if found else (None, "")
    shown["tables"] = [*shown["tables"], *([why] if why else [])]
    choices = [
        *(each.start for each in periods.complete_months(today, PAST_MONTHS)),
        periods.billing_month(today).start,
    ]
    return page_context.render_page(
        request,
        "bill",
        f"{name}, {month_text(span.start)}",
        shown.pop("tables"),
        [REVENUE],
        customer=name,
        span=span,
        bill=found,
        missing=missing,
        choices=choices,
        why=why,
        differs=differs,
        admin_path=reverse("admin:revenue_customer_change", args=[pk]),
        **shown,
    )


def _month(request: HttpRequest) -> date | None:
    asked = request.GET.get("month", "")
    try:
        return date.fromisoformat(asked) if asked else None
    except ValueError:
        raise BadRequest(f"month is a day such as 2026-03-01, not {asked[:20]!r}.") from None


def _found(external_id: str, day: date) -> tuple[Bill | None, str]:
    """The bill, or the reason why there is none."""
    try:
        return reports.bill(external_id, day, timezone.now()), ""
    except (reports.NothingPublished, reports.Tampered, InvalidValues, NoSuchPlan) as error:
        return None, str(error)


def _why(external_id: str, found: Bill) -> tuple[Table | None, str]:
    """What differs from the month before, and by how much; None where there is no bill of it."""
    month = periods.billing_month(found.span.start - timedelta(days=1))
    before, _missing = _found(external_id, month.start)
    if before is None or before.currency != found.currency or not before.lines:
        return None, ""
    changed = bill_change.changes(
        before.lines, found.lines, found.currency, month_text(month.start)
    )
    moved = signed(found.total - before.total, money(found.currency))
    return changed, moved if found.total != before.total else ""


def _shown(found: Bill) -> dict[str, Any]:
    unit = money(found.currency)
    explained = tables.quote_lines(found.lines, found.currency)
    inputs = tables.quote_inputs(found.situation.as_json())
    unbilled = tables.unbilled_use(found.unbilled) if found.unbilled else None
    beside = sorted({name for each in found.overlaps for name in each.beside})
    return {
        "tables": [explained, inputs, *([unbilled] if unbilled else [])],
        "unbilled": unbilled,
        "beside": ", ".join(beside),
        "explained": explained,
        "inputs": inputs,
        "total": full(found.total, unit),
        "carried": full(found.carried, unit) if found.carried else "",
        "credit_notes": [
            {"issued_at": each.issued_at, "reason": each.reason, "amount": full(each.total, unit)}
            for each in (found.issued.credit_notes.all() if found.issued else ())
        ],
        "choose_path": _choose_path(found),
        "issue_path": _issue_path(found),
    }


def _choose_path(found: Bill) -> str:
    """Where use on days without a plan is billed or waived; "" where there is none."""
    still_open = [each for each in found.unbilled if each.is_open]
    if not still_open:
        return ""
    first = min(still_open, key=lambda each: each.first)
    query = {
        "customer": found.customer.external_id,
        "first_day": first.first.isoformat(),
        "last_day": first.last.isoformat(),
    }
    return f"{reverse('admin:revenue_unbilledusechoice_choose')}?{urlencode(query)}"


def _issue_path(found: Bill) -> str:
    """Where the bill of a month that is over is issued; "" where it is."""
    if found.issued or not found.is_complete or not found.lines:
        return ""
    query = {"customer": found.customer.external_id, "month": found.span.start.isoformat()}
    return f"{reverse('admin:revenue_invoice_issue_one')}?{urlencode(query)}"
