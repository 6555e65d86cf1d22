"""Prices that are exact to the cent and explain themselves.

A price book has versions; a published version never changes. `rater` works out one charge of any
model, `dynamic` a plan's price from the book's factors, `invoice` a period by the same code, and
each answer is lines that add up. `recommend` compares the plans for a given use, `simulate` says
who would pay more and who less under another version, and `cases` checks worked examples.
"""
