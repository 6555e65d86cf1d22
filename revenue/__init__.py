"""Customers and what they pay. Its features land with the revenue system."""
