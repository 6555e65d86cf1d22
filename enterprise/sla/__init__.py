"""Service level agreements: tiers and their rules, business hours, clocks, warnings and breaches.

Ordered rules choose a customer's tier. A clock counts business time from its start, pauses while
the customer is waited for, and is warned of and breached once for each threshold. Calendars and
targets of running clocks change by events, never by what is edited later.
"""
