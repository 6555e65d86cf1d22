"""Customers, subscriptions and payments from files.

`sheets` says what each kind of file looks like and turns a row into plain facts; `services`
checks a batch against what is stored and books it, so that a file comes in whole or not at all.
"""
