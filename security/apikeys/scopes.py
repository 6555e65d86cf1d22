"""What a key may do: one pair of scopes, read and write, for each area of the API."""

from collections.abc import Collection, Iterable

AREAS = ("optimization", "revenue", "dashboard", "content", "enterprise", "operational")
ALL = tuple(f"{area}:{mode}" for area in AREAS for mode in ("read", "write"))
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class UnknownScope(ValueError):
    """A name that is no scope, or no name at all."""


def listed(text: str) -> tuple[str, ...]:
    """The scopes that `all`, or names with commas between, stand for."""
    return chosen(name for name in (part.strip() for part in text.split(",")) if name)


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """The scopes named, in their fixed order, each once; `all` names every one."""
    wanted = set(names)
    if "all" in wanted:
        wanted = (wanted - {"all"}) | set(ALL)
    unknown = sorted(wanted - set(ALL))
    if unknown:
        raise UnknownScope(f"No such scope: {', '.join(unknown)}. {KNOWN}")
    if not wanted:
        raise UnknownScope(f"Name at least one scope. {KNOWN}")
    return tuple(scope for scope in ALL if scope in wanted)


KNOWN = f"Known: all, {', '.join(ALL)}."


def needed(area: str, method: str) -> str:
    """The scope that opens a call of `method` in `area`."""
    return f"{area}:{'read' if method in READING else 'write'}"


def opens(held: Collection[str], wanted: Collection[str]) -> bool:
    """Does a key with the scopes `held` open what asks for all of `wanted`? Nothing wanted: no."""
    return bool(wanted) and set(wanted) <= set(held)
