"""Metered use of clients: events counted once, limits with alerts, trends, reports.

Events and readings come in by the API and by files; hourly and daily rollups are kept in the same
transaction. Each closed day is booked to revenue.billing, which alone bills it.
"""
