"""The ledger of MRR movements, its bridge by month, churn and retention.

`movements` derives from subscription changes what happened to a customer's MRR on each day, and
what the ledger lacks; `services.booking` stores that, so a late or corrected change becomes rows
that adjust. `services.rollups` sums the ledger by month and segment up to a watermark; readers add
what was booked after it. `bridge` and `retention` are the arithmetic.
"""
