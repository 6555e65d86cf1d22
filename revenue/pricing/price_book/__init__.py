"""A version of a price book as plain values, its validation, and the default book; pure."""
