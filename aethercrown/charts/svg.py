"""SVG elements as escaped text, with short coordinates."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
GLYPH = 6.7  # width of a letter at 12 pixels, rounded up
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of the drawing in its own units; the page scales it."""

    width: int
    height: int


WIDE, MEDIUM, NARROW = Frame(1080, 320), Frame(600, 290), Frame(360, 260)
SMALL, KEY = Frame(360, 236), Frame(480, 40)


@dataclass(frozen=True, slots=True)
class Caption:
    """Title and description of a chart; `key` is unique on its page."""

    key: str
    title: str
    description: str = ""


def plain(text: str) -> str:
    """Escape text for markup; characters that XML forbids become U+FFFD."""
    return escape(_UNPRINTABLE.sub("\ufffd", text))


def tag(name: str, *content: str, **attributes: str | float) -> str:
    """One element; content is markup, attributes are escaped (`class_`, `text_anchor`)."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{shown}>{''.join(content)}</{name}>"


def words(text: str, x: float, y: float, anchor: str = "start", kind: str = "label") -> str:
    """A line of text at a point; `kind` is its class after `chart-`."""
    return tag("text", plain(text), x=x, y=y, text_anchor=anchor, class_=f"chart-{kind}")


def drawing(frame: Frame, caption: Caption, parts: Iterable[str], kind: str = "") -> str:
    """The SVG element, with title and description for screen readers."""
    key = f"{re.sub('[^a-zA-Z0-9]+', '-', caption.key)}-{frame.width}"
    return tag(
        "svg",
        tag("title", plain(caption.title), id=f"{key}-title"),
        tag("desc", plain(caption.description), id=f"{key}-desc"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        class_=f"chart {kind}".strip(),
        viewBox=f"0 0 {frame.width} {frame.height}",
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
    )


def path(points: Sequence[Point]) -> str:
    """The `d` of a line through the points."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points)


def marker(shape: int, x: float, y: float, kind: str, size: float = 4.5) -> str:
    """One of four shapes around a point: circle, square, diamond, triangle."""
    if shape % 4 == 0:
        return tag("circle", cx=x, cy=y, r=size, class_=kind)
    outline = (
        ((-1, -1), (1, -1), (1, 1), (-1, 1)),
        ((0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)),
        ((0, -1.3), (1.3, 1), (-1.3, 1)),
    )[shape % 4 - 1]
    corners = [(x + dx * size * 0.9, y + dy * size * 0.9) for dx, dy in outline]
    return tag("path", d=path(corners) + "Z", class_=kind)


def fitted(text: str, width: float) -> str:
    """The text, shortened with an ellipsis to `width`."""
    most = max(1, int(width / GLYPH))
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def number(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def _value(value: str | float) -> str:
    return plain(value) if isinstance(value, str) else number(value)
