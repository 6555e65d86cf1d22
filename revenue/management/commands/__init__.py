"""rate_cases: worked examples compared. simulate_prices: who pays more under a version.

check_ledger: whether MRR is what the subscriptions bring.
"""
