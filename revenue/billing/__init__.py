"""Daily usage, bills, invoices and the monthly invoice run.

`models` stores meters, daily totals (never updated; a correction is a further row) and invoices.
`periods` reads plans out of subscription changes and aggregates days as a meter says, and
`statement` makes a month's bill from both, for previews and invoices alike. Usage that arrives
after a month was closed is an adjustment in the open month, at the closed month's own prices.
"""
