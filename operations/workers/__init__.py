"""Who does the tasks: workers outside, in pools, known by what they ask and when they last did.

NUM_WORKERS of them stand ready where nobody has registered; one that calls itself by another
name is taken in at its first call.
"""
