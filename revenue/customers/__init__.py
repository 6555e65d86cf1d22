"""The one customer record, what customers pay, and every movement of recurring revenue.

A subscription is a list of changes: from this day on, so much a month. `movements` derives from
them what happened to a customer's MRR on each day and what the ledger still lacks; `services`
books exactly that, so a late or corrected fact becomes rows that adjust, and no row is rewritten.
`bridge` adds the ledger up by month and `ratios` reads churn and retention off it.
"""
