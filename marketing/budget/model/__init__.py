"""Response curves and their uncertainty, fitted to spend and revenue; pure."""
