"""A/B tests that may be looked at at any time without inventing winners.

One engine (`engine/sequential.py`) decides conversion tests, hold-outs, guardrails and the check of
the sample ratio. Only exposures whose attribution window has closed decide. What other methods say
(`classical`) is shown beside and decides nothing.
"""
