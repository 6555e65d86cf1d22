"""The pepper under which API keys are digested, and the one before it while keys stand under that.

A key moves to the present pepper when it is next used. The old one is forgotten once no live key
names it; there are never more than two.
"""
