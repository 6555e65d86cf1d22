"""Price book."""
