"""Scopes of API keys: read and write for each area of the API. Pure."""

from collections.abc import Collection, Iterable

AREAS = ("optimization", "revenue", "dashboard", "content", "enterprise", "operational")
ALL = tuple(f"{area}:{mode}" for area in AREAS for mode in ("read", "write"))
REVEAL = "security:reveal"  # values of the keys that a pull channel binds it to; not in `all`
GRANTABLE = (*ALL, REVEAL)
READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class UnknownScope(ValueError):
    """A name is no scope, or none was given."""


def parse(text: str) -> tuple[str, ...]:
    """The scopes of `all`, or of names separated by commas. Raises UnknownScope."""
    return chosen(name for name in (part.strip() for part in text.split(",")) if name)


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """The scopes named, each once, in the order of GRANTABLE; `all` stands for ALL."""
    wanted = set(names)
    if "all" in wanted:
        wanted = (wanted - {"all"}) | set(ALL)
    unknown = sorted(wanted - set(GRANTABLE))
    if unknown:
        raise UnknownScope(f"No such scope: {', '.join(unknown)}. {KNOWN}")
    if not wanted:
        raise UnknownScope(f"Name at least one scope. {KNOWN}")
    return tuple(scope for scope in GRANTABLE if scope in wanted)


KNOWN = f"Known: all, {', '.join(GRANTABLE)}."


def needed(area: str, method: str) -> str:
    """The scope that a call of `method` in `area` needs."""
    return f"{area}:{'read' if method in READ_METHODS else 'write'}"


def covers(granted: Collection[str], wanted: Collection[str]) -> bool:
    """Whether the scopes `granted` include all of `wanted`; False where none is wanted."""
    return bool(wanted) and set(wanted) <= set(granted)
