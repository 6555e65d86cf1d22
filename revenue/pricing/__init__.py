"""Pricing: plans, price books and quotes, exact to the currency's smallest unit.

A price book has versions; a published version never changes. Prices, invoices, recommendations
and simulations are calculated from a version by the same code, as lines that add up. A price
outside the guardrails needs an approved decision.
"""
