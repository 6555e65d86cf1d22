"""rate_cases: worked examples compared. simulate_prices: who pays more under a version.

check_mrr: whether the MRR ledger matches the subscriptions.
"""
