"""The upsell pages: the pipeline, and one opportunity."""

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse

from aethercrown.formatting import full, money, share_text, signed
from dashboards import page_context
from dashboards.access import viewer
from dashboards.upsell import tables
from revenue.upsell import reports

UPSELL = page_context.Breadcrumb("Upsell", "/dashboards/upsell")
MAX_ROWS = 100


@viewer
def upsell(request: HttpRequest) -> HttpResponseBase:
    """Open opportunities, answers to offers and effects of acceptances, in one currency."""
    currencies = reports.currencies()
    currency = page_context.chosen_currency(request)
    if "currency" not in request.GET and currencies and currency not in currencies:
        currency = currencies[0]
    counts = reports.opportunity_counts(currency)
    accepted = reports.accepted_with_effect(currency)
    shown = {
        "pipeline": tables.pipeline(reports.pipeline(currency, MAX_ROWS), currency),
        "kinds": tables.answers_by_kind(counts, currency),
        "effects": tables.expected_and_realised(accepted, currency),
        "sums": tables.sums_of_offers(reports.sums_of_offers(currency), currency),
        "ended": tables.ended_opportunities(reports.ended(currency, MAX_ROWS), currency),
    }
    return page_context.render_page(
        request,
        "upsell",
        "Upsell",
        list(shown.values()),
        currency=currency,
        currencies=currencies,
        figures=tables.summary_figures(counts, accepted, currency),
        is_empty=not counts,
        **shown,
    )


@viewer
def opportunity(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One opportunity: the cost of every plan, the use and the outcome."""
    try:
        found = reports.opportunities().get(pk=pk)
    except ObjectDoesNotExist:
        raise Http404(f"There is no opportunity {pk}.") from None
    shown = [tables.plan_costs(found.costs, found.currency), tables.usage_table(found.inputs)]
    unit = money(found.currency)
    return page_context.render_page(
        request,
        "opportunity",
        found.customer.name,
        shown,
        [UPSELL],
        found=found,
        why=tables.KIND_TITLES.get(found.kind, found.kind),
        gain=signed(found.gain, unit),
        low=signed(found.gain_low, unit),
        high=signed(found.gain_high, unit),
        agreed=full(found.agreed_amount, unit),
        confidence=share_text(found.confidence),
        tables=shown,
        mails=reports.offer_mails(found.pk),
        admin_path=reverse("admin:revenue_opportunity_change", args=[found.pk]),
    )
