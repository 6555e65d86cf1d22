"""API: the people at customers, and what they agreed to."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api.endpoint import InvalidRequest, ReadOnlyViewSet, StrictEndpoint, reply
from aethercrown.api.fields import Count, Flag, Identifier, Instant, Option, Text
from aethercrown.api.openapi import documented
from operations.messaging import reports as messaging
from revenue.customers import examples, reports, services
from revenue.customers.imports import MAX_EMAIL, ROLES
from revenue.customers.models import Contact

GIVEN, WITHDRAWN = "given", "withdrawn"


class ContactSerializer(serializers.ModelSerializer[Contact]):
    contact_id = Count(source="pk")
    customer_id = Text(source="customer.external_id")
    role = Option(ROLES)
    gets_mail = Flag(source="is_active")
    consent = serializers.SerializerMethodField()
    created_at = Instant()

    class Meta:
        model = Contact
        fields = list(examples.CONTACT)

    def get_consent(self, row: Contact) -> str:
        """Whether offers and news may be mailed: given, withdrawn or unknown."""
        context: Any = self.context  # a dictionary, whatever its type says
        if "consent" not in context:
            rows: Any = self.parent.instance if self.parent else [row]
            context["consent"] = messaging.address_states([each.email for each in rows])
        return str(context["consent"][row.email]["consent"])


class AddContactRequestSerializer(serializers.Serializer[Any]):
    """A person at a customer."""

    customer_id = Identifier(max_length=100)
    name = Text(max_length=200)
    email = Text(max_length=MAX_EMAIL)
    role = Option(ROLES, required=False, help_text="viewer where it is left out")
    locale = Text(required=False, allow_blank=True, max_length=35)
    time_zone = Text(required=False, allow_blank=True, max_length=64)


class ChangeContactRequestSerializer(serializers.Serializer[Any]):
    """What changes; an address is not changed, as it has its own consent."""

    name = Text(required=False, max_length=200)
    role = Option(ROLES, required=False)
    locale = Text(required=False, allow_blank=True, max_length=35)
    time_zone = Text(required=False, allow_blank=True, max_length=64)
    gets_mail = Flag(required=False)


class ConsentRequestSerializer(serializers.Serializer[Any]):
    """What the person said about offers and news, and how."""

    consent = Option((GIVEN, WITHDRAWN))
    source = Text(  # type: ignore[assignment]  # DRF takes it off the class
        max_length=200, help_text="Such as: order form of 3 May; kept as the proof."
    )


class ContactViewSet(StrictEndpoint, ReadOnlyViewSet[Contact]):
    """Contacts by their number; filter with `?customer_id=`."""

    area = "revenue"
    permission_to_read = "revenue.view_contact"
    list_name = "contacts"
    title = "contact"
    ordering = "pk"
    queryset = reports.contacts()
    serializer_class = ContactSerializer
    example = examples.CONTACT
    list_query = {"customer_id": {"type": "string"}}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.query_names = ("customer_id", "cursor", "limit") if self.action == "list" else ()
        super().initial(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Contact]:
        """Those of a customer where the query names one, also by the id of a merged record."""
        rows, asked = super().get_queryset(), self.request.query_params.get("customer_id")
        if self.action != "list" or asked is None:
            return rows
        name = asked.replace("\0", "")
        return rows.filter(
            Q(customer__external_id=name) | Q(customer__duplicates__external_id=name)
        ).distinct()

    @documented(
        "Add a contact",
        request=AddContactRequestSerializer,
        answer=ContactSerializer,
        example_request=examples.NEW_CONTACT,
        example_answer=examples.CONTACT,
        message="Contact added",
        status=201,
    )
    def create(self, request: Request) -> Response:
        """Add a person; one of that address is answered as it is, with 200."""
        values = self.checked(AddContactRequestSerializer)
        owner = reports.find(values.pop("customer_id"))
        if owner is None:
            raise InvalidRequest([("customer_id", "unknown_customer", "names no customer")])
        before = owner.merged_into_id or owner.pk
        is_new = not reports.has_address(before, values["email"])
        row = _or_invalid(lambda: services.add_contact(before, **values))
        message = "Contact added" if is_new else "Contact stored already"
        return reply(message, self.get_serializer(row).data, 201 if is_new else 200)

    @documented(
        "Change a contact",
        request=ChangeContactRequestSerializer,
        answer=ContactSerializer,
        example_request={"role": "finance", "gets_mail": True},
        example_answer=examples.CONTACT,
        message="Contact changed",
    )
    @action(detail=True, methods=["post"])
    def change(self, request: Request, pk: str) -> Response:
        """Change what is given; the rest stays."""
        values = self.checked(ChangeContactRequestSerializer)
        row = self.get_object()
        if "gets_mail" in values:
            values["is_active"] = values.pop("gets_mail")
        changed = _or_invalid(lambda: services.change_contact(row.pk, values))
        return reply("Contact changed", self.get_serializer(changed).data)

    @documented(
        "Record consent",
        request=ConsentRequestSerializer,
        answer=ContactSerializer,
        example_request={"consent": GIVEN, "source": "Order form of 3 May"},
        example_answer={**examples.CONTACT, "consent": GIVEN},
        message="Consent recorded",
    )
    @action(detail=True, methods=["post"])
    def consent(self, request: Request, pk: str) -> Response:
        """Record that the person agreed to offers and news by e-mail, or wants them no more."""
        values = self.checked(ConsentRequestSerializer)
        row = self.get_object()
        record = services.give_consent if values["consent"] == GIVEN else services.withdraw_consent
        record(row, source=values["source"], now=timezone.now())
        return reply("Consent recorded", self.get_serializer(row).data)


def _or_invalid(service: Any) -> Contact:
    """What the service returns; its refusal names every field, as the body does."""
    try:
        found: Contact = service()
    except ValidationError as error:
        fields: Mapping[str, list[str]] = error.message_dict
        problems = [
            ("" if name == "__all__" else name, "invalid", _after_path(text))
            for name, texts in fields.items()
            for text in texts
        ]
        raise InvalidRequest(problems) from error
    except services.InvalidEntry as error:
        message = str(error).removeprefix(f"{error.field}: ")
        raise InvalidRequest([("customer_id", "invalid", message)]) from error
    return found


def _after_path(text: str) -> str:
    return text.rstrip(".")
