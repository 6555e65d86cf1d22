"""When a kind of decision has broken its promises so often that a person must look at each."""

from collections.abc import Sequence

SAMPLE_SIZE = 20  # of the newest measured decisions
MIN_INSIDE_SHARE = 0.6  # who keeps 90 % falls below it by chance once in 17,000 looks
MEASURED_VERDICTS = ("inside", "below", "above")


def calibration_failure(verdicts: Sequence[str]) -> str:
    """Why trust is broken, in words; empty while it is not, or while too little is known.

    At least 20 verdicts are looked at: with fewer, chance alone would break it now and then.
    """
    if len(verdicts) < SAMPLE_SIZE:
        return ""
    inside = sum(verdict == "inside" for verdict in verdicts[:SAMPLE_SIZE])
    if inside >= MIN_INSIDE_SHARE * SAMPLE_SIZE:
        return ""
    return (
        f"{inside} of the last {SAMPLE_SIZE} effects lay in the promised interval,"
        f" fewer than {MIN_INSIDE_SHARE:.0%}."
    )
