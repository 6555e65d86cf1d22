"""Trends, crossings of limits, health and larger plans, from figures of usage; pure."""
