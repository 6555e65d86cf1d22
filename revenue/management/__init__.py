"""Commands of revenue."""
