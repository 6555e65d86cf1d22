"""Pricing pages: plans, versions and quotes; a version's simulation; a quote line by line."""
