"""Booking movements, summing them by month, and the nightly check of the ledger."""
