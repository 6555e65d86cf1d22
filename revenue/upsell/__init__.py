"""Larger plans that would suit a customer: found, offered, decided, and what they brought.

`forecast` reads a trend and a week's rhythm out of stored use, `prospect` rates every plan by it
and says what a move would bring, `steps` which state may follow which, `acceptance` words offers
and acceptances as decisions and measures them against customers who were offered nothing. The
nightly sweep in `services` stores one open opportunity a customer and kind.
"""
