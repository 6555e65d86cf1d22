"""Managed keys that rotate themselves: by level, by kind, without an hour in which none works.

A key has versions; one is current. A rotation claims the key, stores the new value before it
leaves the house, sets it outside, tests it in use, and only then makes it current; the old one
works through its grace and is then erased. After a crash the next worker goes on where the last
one stopped. How a value is set and tested is a rotator's business (rotators/); the steps
themselves are security.stages.
"""
