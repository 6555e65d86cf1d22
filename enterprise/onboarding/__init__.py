"""Onboarding: takes a new customer to first healthy use.

A flow is made of a versioned template: steps with dependencies, due dates in business time, a
forecast of go-live, owners, and a log that is only appended to. Automated steps act in the worker.
"""
