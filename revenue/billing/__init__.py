"""What customers used, day by day, and what they owe for a month.

`models` keeps meters, a total a day and metric (never rewritten; a correction is a further row),
and invoices. `stays` reads plans out of subscriptions, `months` adds days up as a meter says, and
`statement` puts a month's bill together: preview and invoice are that one function. Use that came
after a month was closed is an adjustment in the open month, at the closed month's own prices.
"""
