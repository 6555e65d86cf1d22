"""The figures at the top of a page, and short texts for probabilities; pure."""

from dataclasses import dataclass

from aethercrown.formatting import MISSING, share_text


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One figure at the top of a page, with its meaning."""

    label: str
    value: str
    note: str
    meaning: str

    @property
    def missing(self) -> bool:
        return self.value == MISSING


def probability_text(probability: float) -> str:
    """A probability as a whole percentage, never 0 or 100."""
    if probability >= 0.995:
        return "> 99%"
    if probability < 0.005:
        return "< 1%"
    return share_text(probability)
