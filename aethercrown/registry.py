"""`Registry`: what the apps register under a name when they start. Pure."""

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar


class HasName(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=HasName)


class UnknownName(LookupError):
    """Nothing is registered under this name."""


class DuplicateName(ValueError):
    """Two different entries were registered under one name."""


class Registry(Generic[Entry]):
    """Entries by name. `kind` names them in errors: "automation", "key rotator".

    A lower app owns a registry and higher apps register in it, so the lower never imports them.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}

    def register(self, entry: Entry) -> Entry:
        """Add an entry; adding an equal one again changes nothing. Raises DuplicateName."""
        if self._entries.setdefault(entry.name, entry) != entry:
            raise DuplicateName(f"Two {self.kind}s are called {entry.name!r}.")
        return entry

    def register_all(self, entries: Iterable[Entry]) -> None:
        for each in entries:
            self.register(each)

    def get(self, name: str) -> Entry:
        """The entry of that name. Raises UnknownName, which lists the known ones."""
        try:
            return self._entries[name]
        except KeyError:
            known = ", ".join(self.names()) or "none"
            raise UnknownName(f"No {self.kind} is called {name!r}. Known: {known}.") from None

    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return tuple(sorted(self._entries))

    def __iter__(self) -> Iterator[Entry]:
        """The entries in the order in which they were registered."""
        return iter(tuple(self._entries.values()))

    def __contains__(self, name: object) -> bool:
        return name in self._entries
