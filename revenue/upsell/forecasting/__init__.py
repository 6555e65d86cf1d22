"""Forecast a customer's use: models of daily series, their weights, and an honest interval."""
