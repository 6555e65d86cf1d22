"""Long tests that break things on purpose: real processes, killed at random moments.

`python -m tests.faults` runs them. Each prints one line of JSON: fault, seed, counts, verdict.
FAULT_SEED repeats a run, FAULT_ROUNDS shortens or lengthens it.
"""
