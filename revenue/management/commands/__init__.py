"""rate_cases: worked examples of a price book, rated and compared."""
