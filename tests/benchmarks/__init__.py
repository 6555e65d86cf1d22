"""Benchmarks: every method beside its peers in the same run. `python -m tests.benchmarks`."""
