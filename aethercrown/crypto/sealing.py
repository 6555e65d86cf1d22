"""Encrypt a text for one row of any table, such as the secret that a webhook signs with.

The keys are those of ENCRYPTION_KEYS; the security app registers the functions that use them.
Each table that stores such texts registers where, so that `rewrap_keys` and `kek_check` reach it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from django.apps import apps

from aethercrown.registry import Registry


class Sealer(Protocol):
    """`context` names the row: a text that was moved to another row does not decrypt."""

    def seal(self, text: str, context: str) -> str: ...

    def unseal(self, sealed: str, context: str) -> str:
        """Raises DecryptionFailed."""

    def is_active(self, sealed: str) -> bool:
        """Whether the text is encrypted under the active key, and not under an earlier one."""


class SealedText(NamedTuple):
    """One stored text; `pk` is its row."""

    pk: int
    sealed: str
    context: str


class SealedColumn(Protocol):
    """Where sealed texts are stored."""

    @property
    def name(self) -> str: ...

    def texts(self) -> Iterator[SealedText]: ...

    def replace(self, text: SealedText, sealed: str) -> bool:
        """Store `sealed` in the place of `text`; False where the row has changed meanwhile."""


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A text column, empty where nothing is stored; `context` names the row of a text."""

    model: str  # "operations.Destination"
    column: str
    context: Callable[[Any], str]

    @property
    def name(self) -> str:
        return f"{self.model}.{self.column}"

    def texts(self) -> Iterator[SealedText]:
        rows = apps.get_model(self.model)._base_manager.exclude(**{self.column: ""})  # noqa: SLF001 - documented
        for row in rows.order_by("pk").iterator():
            yield SealedText(row.pk, getattr(row, self.column), self.context(row))

    def replace(self, text: SealedText, sealed: str) -> bool:
        rows = apps.get_model(self.model)._base_manager  # noqa: SLF001 - documented
        same = rows.filter(pk=text.pk, **{self.column: text.sealed})
        return bool(same.update(**{self.column: sealed}))


columns: Registry[SealedColumn] = Registry("column of sealed texts")
_sealers: list[Sealer] = []


def use(sealer: Sealer) -> None:
    """Encrypt with this from now on; the security app calls it when it starts."""
    _sealers[:] = [sealer]


def seal(text: str, context: str) -> str:
    """Encrypt `text` for the row that `context` names; printable ASCII."""
    return _sealers[0].seal(text, context)


def unseal(sealed: str, context: str) -> str:
    """Decrypt a text. Raises DecryptionFailed."""
    return _sealers[0].unseal(sealed, context)


def is_active(sealed: str) -> bool:
    """Whether a text needs no `rewrap_keys`: it is encrypted under the active key."""
    return _sealers[0].is_active(sealed)
