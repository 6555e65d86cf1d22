"""Rollups and histograms of checks, and periods. Pure."""
