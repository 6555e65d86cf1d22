"""When a kind of decision has broken its promises so often that a person must look at each."""

from collections.abc import Sequence

LOOKED_AT = 20  # of the newest measured decisions
LEAST_INSIDE = 0.6  # who keeps 90 % falls below it by chance once in 17,000 looks
KNOWN = ("inside", "below", "above")


def broken(verdicts: Sequence[str]) -> str:
    """Why trust is broken, in words; empty while it is not, or while too little is known.

    At least 20 verdicts are looked at: with fewer, chance alone would break it now and then.
    """
    if len(verdicts) < LOOKED_AT:
        return ""
    inside = sum(verdict == "inside" for verdict in verdicts[:LOOKED_AT])
    if inside >= LEAST_INSIDE * LOOKED_AT:
        return ""
    return (
        f"{inside} of the last {LOOKED_AT} effects lay in the promised interval,"
        f" fewer than {LEAST_INSIDE:.0%}."
    )
