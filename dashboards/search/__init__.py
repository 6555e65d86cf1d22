"""The search page, whose list is also the one of Ctrl-K: over every registered source."""
