"""All customers, and one customer with what each feature knows of it."""

from collections.abc import Mapping
from typing import NamedTuple

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from aethercrown.formatting import COUNT, money
from aethercrown.page_parts import EmptyState
from dashboards import access, page_context
from dashboards.access import viewer
from dashboards.customer_blocks import BlockContent, ShownCustomer, customer_blocks
from dashboards.listing import ListField, Listing
from dashboards.tables import Column
from revenue.customers import reports

CUSTOMERS = page_context.Breadcrumb("Customers", "/dashboards/customers")


class ShownBlock(NamedTuple):
    """A block that has something to show."""

    name: str
    title: str
    content: BlockContent


@viewer
def customers(request: HttpRequest) -> HttpResponseBase:
    """Every customer of a currency, with MRR; searched, filtered and sorted."""
    currency = page_context.chosen_currency(request)
    listing = customer_listing(request.GET.dict(), currency)
    return page_context.render_page(
        request,
        "customers",
        "Customers",
        [listing],
        listing=listing,
        currency=currency,
        currencies=reports.currencies(),
        empty=EmptyState(
            f"No customer in {currency}",
            "Import customers with their subscriptions in the admin, or with this command:",
            reverse("admin:revenue_customer_import_csv")
            if access.holds(request, "revenue.add_customer")
            else "",
            "Import customers",
            "./manage.py import_data customers FILE",
        ),
    )


def customer_listing(given: Mapping[str, str], currency: str) -> Listing:
    """Every customer of a currency, the highest MRR first."""
    fields = (
        ListField("name", Column("Customer"), search=True),
        ListField("external_id", Column("Id"), search=True),
        ListField("segment", Column("Segment"), filter=True),
        ListField("owner", Column("Owner"), filter=True),
        ListField("since", Column("Since")),
        ListField("running", Column("Subscriptions", COUNT), total=True),
        ListField("mrr", Column("MRR", money(currency)), total=True),
    )
    return Listing(
        "customers",
        "Customers",
        fields,
        reports.customers_with_mrr(currency),
        given,
        order="-mrr",
        choices_of=reports.customers_in(currency),
        path="/dashboards/customers/{external_id}",
        noun="customer",
    )


@viewer
def customer(request: HttpRequest, external_id: str) -> HttpResponseBase:
    """One customer; the address of a merged record leads to the one that is kept."""
    found = reports.find_by_path(external_id)
    if found is None:
        raise Http404(f"There is no customer {external_id[:100]!r}.")
    if found.merged_into:
        return redirect(reports.page_path(found.merged_into.external_id))
    shown = ShownCustomer(
        found.pk,
        reports.merged_keys(found.pk),
        found.external_id,
        found.currency,
        found.time_zone,
        timezone.now(),
    )
    blocks = read_blocks(request, shown)
    tables = [table for each in blocks for table in each.content.page_tables]
    return page_context.render_page(
        request,
        "customer",
        found.name,
        tables,
        [CUSTOMERS],
        customer=found,
        blocks=blocks,
        admin_path=reverse("admin:revenue_customer_change", args=[found.pk]),
    )


def read_blocks(request: HttpRequest, shown: ShownCustomer) -> list[ShownBlock]:
    """The blocks that the person may see and that have something to show, in their order."""
    found = []
    for each in sorted(customer_blocks, key=lambda block: (block.place, block.name)):
        if access.holds(request, each.permission or None):
            content = each.read(shown)
            if content:
                found.append(ShownBlock(each.name, each.title, content))
    return found
