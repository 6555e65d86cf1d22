"""Alerts: what is wrong, reported once, until it is resolved.

A source raises an alert under a fingerprint (source, kind, subject); raised again while open it
is only counted. A message for each destination is written in the same transaction (see messaging).
Acknowledging an alert ends its reminders; a silence holds its messages back.
"""
