"""Examples of numbered documents for the API reference."""

from typing import Any

DOCUMENT: dict[str, Any] = {
    "document_id": 4,
    "number": "INV-2026-000004",
    "customer_id": "acme",
    "title": "Invoice",
    "refers_to": None,
    "issued_on": "2026-04-02",
    "due_on": "2026-04-16",
    "currency": "USD",
    "net": 94.05,
    "tax": 17.87,
    "gross": 111.92,
    "status": "open",
    "paid_on": None,
    "payment_note": "",
    "reminders": 0,
    "pdf": "/api/v1/revenue/documents/4/pdf",
}
FILE = {
    "file": {
        "file_name": "INV-2026-000004.pdf",
        "content_type": "application/pdf",
        "content": "JVBERi0xLjM=",
    }
}
PAID = {**DOCUMENT, "status": "paid", "paid_on": "2026-04-10", "payment_note": "Bank, 4711"}
