"""Charges as form fields, and previews of what they cost; pure."""
