"""Issuing a month's invoices by itself, once it is over.

`due` says which month is due and puts it forward as one decision a currency, with what all
previews come to; pure. `services` issues it customer by customer once it is approved, each invoice
in a transaction of its own, so that a run that is killed goes on where it stopped. Whom it could
not bill is told with the reason.
"""
