"""The tables of marketing, and the schedule of its automation."""
