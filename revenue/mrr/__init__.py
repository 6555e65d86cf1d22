"""The MRR ledger as a whole: its monthly sums by segment, and the nightly proof that it is right.

Sums reach up to a mark; what was booked after it, and customers who changed segment since, are
added when a bridge is read, so that it is exact at any moment. Where the rows below the mark are
not as many as were summed, the whole ledger is read instead.
"""
