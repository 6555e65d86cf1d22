"""Revenue's part of the demo company: customers, two years of what they pay, use, larger plans.

`company` lives the months; `services` stores them with the ledger, derived by the same rules as
any other. `prices` adds quotes and a draft of other prices, `use` what was used each day, and
`larger` plans that were offered, taken or declined.
"""
