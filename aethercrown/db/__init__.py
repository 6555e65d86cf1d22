"""Database backends, the cache, bulk writes and shared fields."""
