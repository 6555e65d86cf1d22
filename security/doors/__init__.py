"""What the audit is told of sign-ins that were refused: who was tried, and from where.

Never what was typed: people type passwords into the field of the name too. And no more than the
chain can bear, whoever knocks: services says how many.
"""
