"""Examples of contacts for the API reference."""

from typing import Any

CONTACT: dict[str, Any] = {
    "contact_id": 7,
    "customer_id": "acme",
    "name": "Fay Bell",
    "email": "fay@acme.example",
    "role": "finance",
    "locale": "en-GB",
    "time_zone": "Europe/London",
    "gets_mail": True,
    "consent": "unknown",
    "created_at": "2026-04-02T09:00:00Z",
}
NEW_CONTACT: dict[str, Any] = {
    name: CONTACT[name] for name in ("customer_id", "name", "email", "role", "locale", "time_zone")
}
