"""The calls of numbered documents: listed, filtered, drawn, paid."""

import base64

import pytest
import time_machine

from revenue.documents import reports
from revenue.documents.models import InvoiceDocument
from security.apikeys import services as keys
from tests.callers import Caller
from tests.revenue.documents.conftest import NOW

pytestmark = pytest.mark.django_db
DOCUMENTS = "/api/v1/revenue/documents"


@pytest.fixture
def caller(db):
    return Caller(keys.create("books", ["revenue:read", "revenue:write"]).plaintext)


def test_documents_are_listed_by_status_and_customer(caller, numbered):
    (row,) = caller.get(DOCUMENTS).json()["data"]["documents"]
    assert (row["number"], row["customer_id"], row["title"], row["refers_to"]) == (
        "INV-2026-000001", "acme", "Invoice", None,
    )  # fmt: skip
    assert (row["net"], row["tax"], row["gross"], row["currency"]) == (94.05, 17.87, 111.92, "USD")
    assert caller.get(f"{DOCUMENTS}/{row['document_id']}").json()["data"] == row
    for query, count in (("status=open", 1), ("status=paid", 0), ("customer_id=acme", 1)):
        found = caller.get(f"{DOCUMENTS}?{query}").json()["data"]["documents"]
        assert len(found) == count
    wrong = caller.get(f"{DOCUMENTS}?status=late")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "status")
    assert caller.get(f"{DOCUMENTS}/999").status_code == 404


def test_the_pdf_is_what_the_page_gives_until_it_is_erased(caller, numbered):
    path = caller.get(DOCUMENTS).json()["data"]["documents"][0]["pdf"]
    file = caller.get(path).json()["data"]["file"]
    assert (file["file_name"], file["content_type"]) == ("INV-2026-000001.pdf", "application/pdf")
    assert base64.b64decode(file["content"]) == reports.drawn(numbered)
    InvoiceDocument.objects.update(content=None)
    assert caller.get(path).status_code == 404
    assert caller.get(f"{DOCUMENTS}/{numbered.pk}").json()["data"]["pdf"] is None


def test_a_payment_is_recorded_once(caller, numbered):
    path = f"{DOCUMENTS}/{numbered.pk}/pay"
    with time_machine.travel(NOW, tick=False):
        for _again in range(2):
            answer = caller.send(path, {"paid_on": "2026-04-20", "note": "Bank"})
            assert answer.status_code == 200
            assert answer.json()["data"]["status"] == "paid"
        future = caller.send(path, {"paid_on": "2026-04-21"})
        assert future.status_code == 200  # paid already
    numbered.refresh_from_db()
    assert (numbered.paid_on.isoformat(), numbered.payment_note) == ("2026-04-20", "Bank")


def test_a_wrong_payment_is_refused(caller, numbered):
    path = f"{DOCUMENTS}/{numbered.pk}/pay"
    both = caller.send(path, {"paid_on": "soon", "sum": 1})
    assert both.status_code == 400
    assert {each["field"] for each in both.json()["errors"]} == {"paid_on", "sum"}
    early = caller.send(path, {"paid_on": "2020-01-01"})
    assert early.json()["errors"][0]["field"] == "paid_on"
    InvoiceDocument.objects.update(state="credit")
    assert caller.send(path, {"paid_on": "2026-04-20"}).status_code == 409
