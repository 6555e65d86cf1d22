"""One module per rotator."""
