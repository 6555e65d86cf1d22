"""Revenue's part of the demo company: its customers and two years of what they pay.

`company` lives the months; `services` stores them with the ledger, derived by the same rules as
any other.
"""
