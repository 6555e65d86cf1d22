"""What the command line offers for keys."""
