"""Charge models, and the rating of one charge or of all charges of a plan; pure."""
