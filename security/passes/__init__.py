"""Passes over all keys: which are due, how many an hour, and when a clock is not believed."""
