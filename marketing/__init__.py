"""Marketing.

channels: channels, their spend and revenue, total revenue, lift tests; CSV import and export.
budget: response curves, budget plans, and the allocation in force.
experiments: A/B tests: arms of visitors, counted events, looks, decisions; worked cases.
demo: marketing's part of the demo company.
"""
