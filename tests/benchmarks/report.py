"""Tables and targets, printed by every benchmark, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Report:
    """The result of a benchmark: lines of Markdown, and the number of missed targets."""

    title: str
    lines: list[str] = field(default_factory=list)
    missed: int = 0

    @property
    def exit_code(self) -> int:
        """1 where a figure missed its target, also in a quick run."""
        return min(self.missed, 1)

    def say(self, text: str = "") -> None:
        """Record and print one line."""
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
        rules = ["-" * (width + 1) + (":" if at else "-") for at, width in enumerate(widths)]
        self.say("|" + "|".join(rules) + "|")
        for row in texts:
            self.say(_line(row, widths))
        self.say()

    def judge(self, what: str, reached: float, asked: float, *, aim: float | None = None) -> None:
        """A figure that must be at most `asked`."""
        met = "reached" if aim is not None and reached <= aim else "not reached"
        wish = "" if aim is None else f", aim {aim:g} {met}"
        self._verdict(f"{what} {reached:.4g} (asked at most {asked:g}{wish})", met=reached <= asked)

    def judge_between(self, what: str, reached: float, low: float, high: float) -> None:
        """A figure that must lie between two others."""
        text = f"{what} {reached:.4g} (asked {low:g} to {high:g})"
        self._verdict(text, met=low <= reached <= high)

    def judge_least(self, what: str, reached: float, asked: float) -> None:
        """A figure that must be at least `asked`."""
        text = f"{what} {reached:.4g} (asked at least {asked:g})"
        self._verdict(text, met=reached >= asked)

    def _verdict(self, text: str, *, met: bool) -> None:
        self.missed += not met
        self.say(f"- {'PASS' if met else 'FAIL'}: {text}")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.ljust(width) if at == 0 else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"
