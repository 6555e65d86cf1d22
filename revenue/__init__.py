"""Revenue.

customers: the one customer record, subscriptions, payments, and the ledger of recurring revenue.
intake: customers, subscriptions and payments from files.
pricing: price books, quotes and invoices that are exact and explain themselves.
demo: made-up customers with two years of what they pay.
"""
