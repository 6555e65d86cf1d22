"""Recording usage, issuing invoices, and the monthly invoice run."""
