"""Messages to people and other systems, by e-mail or signed webhook (a transactional outbox).

A message is a row under a key that names its event and its destination. Other features call
`services.enqueue` in the event's transaction: one event, one row for each destination. A task calls
`services.deliver_due`: it claims due rows under a lease and sends them, with waits between tries. A
crash between sending and recording can send a message twice; the event's id goes along.
"""
