"""Prices, invoices, recommendations and simulations calculated from a price book; pure."""
