"""Backtests of the curves, and the measured effect of applied plans; pure."""
