"""The tables of the project itself."""
