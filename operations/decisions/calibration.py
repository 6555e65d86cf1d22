"""Whether measured effects lie in their expected intervals often enough for mode auto. Pure."""

from collections.abc import Sequence

SAMPLE_SIZE = 20  # the newest measured decisions
MIN_INSIDE_SHARE = 0.6  # a type that is inside 90 % of the time falls below it once in 17,000
MEASURED_VERDICTS = ("inside", "below", "above")


def calibration_failure(verdicts: Sequence[str]) -> str:
    """Why this type must not be applied automatically; "" if it may, or if verdicts are few."""
    if len(verdicts) < SAMPLE_SIZE:
        return ""
    inside = sum(verdict == "inside" for verdict in verdicts[:SAMPLE_SIZE])
    if inside >= MIN_INSIDE_SHARE * SAMPLE_SIZE:
        return ""
    return (
        f"{inside} of the last {SAMPLE_SIZE} effects lay in the expected interval,"
        f" fewer than {MIN_INSIDE_SHARE:.0%}."
    )
