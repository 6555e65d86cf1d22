"""Customers, their subscriptions with every change, and payments.

A subscription is a list of changes: from this day on, so much a month. `services` writes under a
lock on the customer's row, `reports` reads, `imports` describes the CSV files. Other features that
keep rows of a customer, such as the MRR ledger, register in `data_hooks`.
"""
