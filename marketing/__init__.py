"""Marketing.

channels: channels, their spend and revenue, total revenue, lift tests; CSV import and export.
budget: response curves, budget plans, and the allocation in force.
experiments: the statistics that decide A/B tests and hold-outs; worked cases.
demo: marketing's part of the demo company.
"""
