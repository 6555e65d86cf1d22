"""Filters that word figures in templates as the charts word them."""
