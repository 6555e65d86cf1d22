"""The output of child processes: on the terminal with their name, and in their log files."""

import contextlib
import sys
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from aethercrown.embedded.servers import TAIL_LINES, rotate

COLOURS = {"web": 36, "worker": 32, "beat": 35, "set-up": 33}
WIDTH = 6


def prefixed(name: str, line: str, *, colour: bool) -> str:
    """One line as the terminal shows it: `web    | line`."""
    label = f"{name:<{WIDTH}} |"
    if colour:
        label = f"\033[{COLOURS.get(name, 37)}m{label}\033[0m"
    return f"{label} {line}"


@dataclass(slots=True)
class PrefixedOutput:
    """One child's output: splits it into lines, prints and logs them, and keeps the last ones."""

    name: str
    log: Path
    terminal: TextIO = field(default_factory=lambda: sys.stdout)
    last: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    rest: bytes = b""

    def write(self, received: bytes) -> None:
        """Take the next bytes of the stream; a line is printed once it is complete."""
        *lines, self.rest = (self.rest + received).split(b"\n")
        self.show([line.decode("utf-8", "replace").rstrip("\r") for line in lines])

    def end(self) -> None:
        """Print the rest of the stream that has no line end."""
        if self.rest:
            self.write(b"\n")

    def show(self, lines: list[str]) -> None:
        if not lines:
            return
        self.last.extend(lines)
        with contextlib.suppress(OSError):  # a full disk must not stop the supervisor
            rotate(self.log)
            with self.log.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        colour = self.terminal.isatty()
        print_lines([prefixed(self.name, line, colour=colour) for line in lines], self.terminal)


def print_lines(lines: list[str], terminal: TextIO | None = None) -> None:
    """Print lines; a closed terminal is no error."""
    terminal = terminal or sys.stdout
    with contextlib.suppress(OSError, ValueError):
        terminal.write("".join(f"{line}\n" for line in lines))
        terminal.flush()
