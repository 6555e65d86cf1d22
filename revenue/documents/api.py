"""API: numbered invoices and credit notes, their PDF, and their payment."""

from base64 import b64encode
from typing import Any

from django.db.models import Count as CountOf
from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api.endpoint import (
    Conflict,
    InvalidRequest,
    ReadOnlyViewSet,
    StrictEndpoint,
    reply,
)
from aethercrown.api.fields import Count, Currency, Date, Number, Text
from aethercrown.api.openapi import documented
from aethercrown.history.attribution import actor_of
from aethercrown.transitions import InvalidTransition
from revenue.customers.services import InvalidEntry
from revenue.documents import examples, reports, services
from revenue.documents.document import DocumentState
from revenue.documents.models import InvoiceDocument

PDF = "application/pdf"
STATES = [each.value for each in DocumentState]


class DocumentSerializer(serializers.ModelSerializer[InvoiceDocument]):
    document_id = Count(source="pk")
    customer_id = Text(source="customer.external_id")
    title = serializers.SerializerMethodField()
    refers_to = serializers.SerializerMethodField()
    issued_on = Date()
    due_on = Date(allow_null=True, help_text="Null on a credit note.")
    currency = Currency()
    net = Number()
    tax = Number()
    gross = Number()
    status = Text(source="state")
    paid_on = Date(allow_null=True)
    reminders = Count(source="reminder_count")
    pdf = serializers.SerializerMethodField()

    class Meta:
        model = InvoiceDocument
        fields = list(examples.DOCUMENT)

    def get_title(self, row: InvoiceDocument) -> str:
        return "Invoice" if row.invoice_id else "Credit note"

    def get_refers_to(self, row: InvoiceDocument) -> str | None:
        """The number of a credit note's invoice; null once its content was erased."""
        return (row.content or {}).get("refers_to") or None

    def get_pdf(self, row: InvoiceDocument) -> str | None:
        """The path of the PDF; null once its content was erased."""
        return f"/api/v1/revenue/documents/{row.pk}/pdf" if row.content else None


class FileContentSerializer(serializers.Serializer[Any]):
    file_name = Text()
    content_type = Text()
    content = Text(help_text="In base64.")


class DocumentFileSerializer(serializers.Serializer[Any]):
    """The PDF of a document."""

    file = FileContentSerializer()


class PayDocumentRequestSerializer(serializers.Serializer[Any]):
    """The day of the payment, and a note such as the bank's reference."""

    paid_on = Date()
    note = Text(required=False, allow_blank=True, max_length=200)


class DocumentViewSet(StrictEndpoint, ReadOnlyViewSet[InvoiceDocument]):
    """Numbered documents, the newest first; filter with `?status=` and `?customer_id=`."""

    area = "revenue"
    permission_to_read = "revenue.view_invoicedocument"
    list_name = "documents"
    title = "document"
    ordering = ("-issued_on", "-pk")
    queryset = reports.documents().annotate(reminder_count=CountOf("reminders"))
    serializer_class = DocumentSerializer
    example = examples.DOCUMENT
    list_query = {
        "status": {"type": "string", "enum": STATES},
        "customer_id": {"type": "string"},
    }

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        listing = self.action == "list"
        self.query_names = (*self.list_query, "cursor", "limit") if listing else ()
        super().initial(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[InvoiceDocument]:
        """Filtered by state and customer where the query names them."""
        rows, asked = super().get_queryset(), self.request.query_params
        if (state := asked.get("status")) is not None:
            if state not in STATES:
                message = f"must be one of {', '.join(STATES)}"
                raise InvalidRequest([("status", "invalid_choice", message)])
            rows = rows.filter(state=state)
        if (customer := asked.get("customer_id")) is not None:
            name = customer.replace("\0", "")
            mine = Q(customer__external_id=name) | Q(customer__merged_into__external_id=name)
            rows = rows.filter(mine)
        return rows

    @documented(
        "Get a document's PDF",
        answer=DocumentFileSerializer,
        example_answer=examples.FILE,
        message="The document's PDF",
    )
    @action(detail=True, methods=["get"])
    def pdf(self, request: Request, pk: str) -> Response:
        """The PDF in base64, the same bytes each time; 404 once the content was erased."""
        row = self.get_object()
        try:
            content = b64encode(reports.drawn(row)).decode()
        except reports.NothingPrinted as error:
            raise NotFound(str(error)) from error
        found = {"file_name": f"{row.number}.pdf", "content_type": PDF, "content": content}
        return reply("The document's PDF", {"file": found})

    @documented(
        "Record a payment",
        request=PayDocumentRequestSerializer,
        answer=DocumentSerializer,
        example_request={"paid_on": "2026-04-10", "note": "Bank, 4711"},
        example_answer=examples.PAID,
        message="Payment recorded",
    )
    @action(detail=True, methods=["post"])
    def pay(self, request: Request, pk: str) -> Response:
        """Record that all of it was paid. Repeating changes nothing; 409 of a credit note."""
        values = self.checked(PayDocumentRequestSerializer)
        row = self.get_object()
        try:
            services.mark_paid(
                row.pk,
                on=values["paid_on"],
                by=actor_of(request),
                note=values.get("note", ""),
            )
        except InvalidTransition as error:
            raise Conflict(str(error)) from error
        except InvalidEntry as error:
            message = str(error).removeprefix(f"{error.field}: ")
            raise InvalidRequest([(error.field, "invalid", message)]) from error
        return reply("Payment recorded", self.get_serializer(self.get_object()).data)
