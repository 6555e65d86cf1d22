"""AI tasks come in: each once, in an order that allows it, thousands in one call.

A submission is checked against itself and against what is stored, then written by one statement
for its tasks and one for what they need; operations.scheduling hands them out.
"""
