"""Messages that leave the house: written with their event, sent until they arrive or are dead.

A message is a row under a key that names its event and its destination, written in the event's
own transaction: one event, one row. A task claims due rows with a lease and sends them, by
e-mail or as a signed webhook, with waits between tries. A crash between sending and noting it
can send twice; the event's id goes along, so that a receiver can drop the second.
"""
