"""What went wrong, told once: alerts without duplicates, and an outbox that loses no message.

A source raises an alert under a fingerprint (source, kind, subject); raised again while open it
is only counted. What people must hear of is written as a message for each destination in the
same transaction as the event, and sent by a task: by e-mail, or as a signed webhook, with
retries, until it is sent or dead. Acknowledging ends reminders; a silence holds messages back.
"""
