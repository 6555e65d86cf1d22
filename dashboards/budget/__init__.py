"""The marketing budget's pages: the whole plan, and one channel.

`charts` and `tables` render a proposal, `summary` its figures and verdict.
"""
