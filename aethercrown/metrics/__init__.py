"""Named figures of the company, each defined once by the feature that owns its rows.

`registry` holds the metrics; `reading` has their values over a period and how two compare. A value
that is not known is None with the reason, never zero.
"""
