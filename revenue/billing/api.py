"""The API call that previews a month's invoice."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api.endpoint import StrictEndpoint, reply
from aethercrown.api.fields import Currency, Date, Identifier, ItemList, Number, Text, ValueMap
from aethercrown.api.openapi import documented
from revenue.billing import examples, reports
from revenue.pricing import response_format
from revenue.pricing.api import PriceLineSerializer, or_api_error


class PreviewInvoiceRequestSerializer(serializers.Serializer[Any]):
    """The customer, and any day of the month; by default the current month."""

    customer_id = Identifier(max_length=100)
    month = Date(required=False)


class UnbilledUseSerializer(serializers.Serializer[Any]):
    """Use that no plan charges: in a trial, on a free plan, without a plan, or after the end."""

    metric = Text()
    quantity = Number()
    first_day = Date()
    last_day = Date()
    reason = Text()


class InvoicePreviewSerializer(serializers.Serializer[Any]):
    customer_id = Text()
    currency = Currency()
    period_start = Date()
    period_end = Date()
    is_complete = serializers.BooleanField()
    is_issued = serializers.BooleanField()
    version = Text()
    usage = ValueMap(child=Number())
    lines = ItemList(child=PriceLineSerializer())
    total = Number()
    carried = Number()
    not_given = ItemList(child=Text())
    unbilled = ItemList(child=UnbilledUseSerializer())


class PreviewInvoiceResponseSerializer(serializers.Serializer[Any]):
    """The invoice; its lines add up to the total."""

    invoice = InvoicePreviewSerializer()


class PreviewView(StrictEndpoint):
    area = "revenue"
    permission_to_read = "revenue.view_invoice"
    scopes = ("revenue:read",)

    @documented(
        "Preview a month's invoice",
        request=PreviewInvoiceRequestSerializer,
        answer=PreviewInvoiceResponseSerializer,
        example_request=examples.QUESTION,
        example_answer={"invoice": examples.INVOICE},
        message="Invoice previewed",
    )
    def post(self, request: Request) -> Response:
        """What a customer owes for a month by stored usage; nothing is written.

        The calculation is that of issued invoices. Usage that arrived after a month was closed is
        an adjustment line; a closed month is returned as issued.
        """
        values = self.checked(PreviewInvoiceRequestSerializer)
        now = timezone.now()
        try:
            found = or_api_error(
                lambda: reports.bill(values["customer_id"], values.get("month"), now),
                field="customer_id",
            )
        except ObjectDoesNotExist:
            raise NotFound(f"There is no customer {values['customer_id']!r}.") from None
        return reply("Invoice previewed", {"invoice": response_format.with_floats(found.as_dict())})
