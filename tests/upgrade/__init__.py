"""A small database of the first schema that upgrades count from, kept as SQL text.

`python -m tests.upgrade PATH` writes such a file with the present schema. The kept one is made
once and never again: tests/test_upgrade.py migrates it at every commit.
"""
