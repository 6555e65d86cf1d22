"""The call of billing: a month's bill as it stands."""

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api.endpoint import Endpoint, reply
from aethercrown.api.fields import Currency, Day, Identifier, Named, Number, Rows, Text
from aethercrown.api.openapi import documented
from revenue.billing import examples, reports
from revenue.pricing import response_format
from revenue.pricing.api import PriceLineSerializer, or_api_error


class BillQuestionSerializer(serializers.Serializer[Any]):
    """Whose bill, and of which month: any day of it; left out, the running one."""

    customer_id = Identifier(max_length=100)
    month = Day(required=False)


class BillSerializer(serializers.Serializer[Any]):
    customer_id = Text()
    currency = Currency()
    period_start = Day()
    period_end = Day()
    is_complete = serializers.BooleanField()
    is_issued = serializers.BooleanField()
    version = Text()
    usage = Named(child=Number())
    lines = Rows(child=PriceLineSerializer())
    total = Number()
    carried = Number()
    not_given = Rows(child=Text())


class BillAnswerSerializer(serializers.Serializer[Any]):
    """The bill; lines add up to the total."""

    invoice = BillSerializer()


class PreviewView(Endpoint):
    area = "revenue"
    scopes = ("revenue:read",)

    @documented(
        "Preview a month's invoice",
        request=BillQuestionSerializer,
        answer=BillAnswerSerializer,
        example_request=examples.QUESTION,
        example_answer={"invoice": examples.INVOICE},
        message="Invoice previewed",
    )
    def post(self, request: Request) -> Response:
        """What a customer owes for a month by the use that is stored; nothing is stored here.

        It is worked out by what issues invoices. Use that came after a month was closed is an
        adjustment line; a month that is closed is answered as it was issued.
        """
        values = self.checked(BillQuestionSerializer)
        now = timezone.now()
        try:
            found = or_api_error(
                lambda: reports.bill(values["customer_id"], values.get("month"), now),
                field="customer_id",
            )
        except ObjectDoesNotExist:
            raise NotFound(f"There is no customer {values['customer_id']!r}.") from None
        return reply(
            "Invoice previewed", {"invoice": response_format.plain_numbers(found.as_dict())}
        )
