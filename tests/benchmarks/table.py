"""Tables and verdicts, printed alike by every benchmark and written to Markdown on request."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Report:
    """What one benchmark found: lines of Markdown, and how many figures missed their mark."""

    title: str
    lines: list[str] = field(default_factory=list)
    missed: int = 0

    def say(self, text: str = "") -> None:
        """One line, at once on the screen."""
        self.lines.append(text)
        print(text, flush=True)  # noqa: T201 - a benchmark's output is its purpose

    def section(self, text: str) -> None:
        """A heading."""
        self.say()
        self.say(f"## {text}")
        self.say()

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A table whose numbers are aligned to the right."""
        texts = [[str(each) for each in row] for row in rows]
        widths = [
            max(len(line[at]) for line in [list(columns), *texts]) for at in range(len(columns))
        ]
        self.say(_line(columns, widths))
        self.say(
            "|"
            + "|".join("-" * (width + 1) + (":" if at else "-") for at, width in enumerate(widths))
            + "|"
        )
        for row in texts:
            self.say(_line(row, widths))
        self.say()

    def judge(self, what: str, reached: float, asked: float, *, aim: float | None = None) -> None:
        """A figure that must be at most `asked`."""
        good = reached <= asked
        self.missed += not good
        wish = (
            "" if aim is None else f", aim {aim:g} {'reached' if reached <= aim else 'not reached'}"
        )
        self.say(
            f"- {'PASS' if good else 'FAIL'}: {what} {reached:.4g} (asked at most {asked:g}{wish})"
        )

    def judge_between(self, what: str, reached: float, low: float, high: float) -> None:
        """A figure that must lie between two others."""
        good = low <= reached <= high
        self.missed += not good
        self.say(
            f"- {'PASS' if good else 'FAIL'}: {what} {reached:.4g} (asked {low:g} to {high:g})"
        )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.ljust(width) if at == 0 else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"
