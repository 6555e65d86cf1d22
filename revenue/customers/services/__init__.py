"""Writing customers' subscriptions and the ledger of MRR: one fact, one transaction, one lock."""

from revenue.customers.services.customers import (
    BATCH,
    LARGEST,
    Refused,
    adjust,
    book,
    change,
    end,
    erase,
    held,
    merge,
    record_payment,
    record_subscription,
)

__all__ = [
    "BATCH",
    "LARGEST",
    "Refused",
    "adjust",
    "book",
    "change",
    "end",
    "erase",
    "held",
    "merge",
    "record_payment",
    "record_subscription",
]
