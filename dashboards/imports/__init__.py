"""Imports: upload a file, see what it would change, store it, undo it."""
