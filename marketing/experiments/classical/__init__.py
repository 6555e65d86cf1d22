"""Figures of other methods, shown beside a test and never deciding it."""
