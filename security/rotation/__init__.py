"""Managed keys: secrets that are rotated automatically and always have a working value.

A key has versions, of which one is current. A rotation leases the key, stores the new value, sets
it at its target, tests it there and makes it current; the old value works until its grace is
over and is then erased. After a crash the next worker continues. rotators/ has one module per
kind of secret; services/ has one per use case.
"""
