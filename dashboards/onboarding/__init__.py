"""Onboardings: the list, one flow, and the page that a customer's contacts open by their link."""
