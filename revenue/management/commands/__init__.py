"""rate_cases: worked examples compared. simulate_prices: who pays more under a version."""
