"""Commands of marketing."""
