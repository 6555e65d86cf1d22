"""Revenue.

customers: customers, their subscriptions with every change, and payments; their CSV import.
mrr: the ledger of MRR movements, monthly bridges, churn, retention, and the nightly check.
pricing: price books, quotes, and the rating of usage.
billing: daily usage, a month's bill and its preview, invoices, and the monthly invoice run.
documents: numbered invoices and credit notes with tax, due date, PDF and payment.
upsell: larger plans that would suit a customer, found by rated cost, offered and measured.
demo: made-up customers with two years of subscriptions, usage and offers.
"""
