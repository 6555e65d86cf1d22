"""Revenue.

customers: the one customer record, subscriptions, payments, and the ledger of recurring revenue.
ledger: that ledger as a whole: monthly sums by segment, and the nightly proof that it is right.
pricing: price books, quotes and invoices that are exact and explain themselves.
billing: what customers used each day, a month's bill and its preview, and invoices.
closing: the month's invoices, issued by themselves once a person or a guardrail agrees.
upsell: larger plans that would suit, found by rated cost, offered, decided and measured.
intake: customers, subscriptions, payments and use from files.
demo: made-up customers with two years of what they pay, use, and were offered.
"""
