"""The pages of customers: the list of all, and one with the blocks of every feature."""
