"""The manifest: what a back-up contains, and what is needed to use it. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

FORMAT = 1


@dataclass(frozen=True, slots=True)
class TableDigest:
    """The rows of a table in the snapshot; their order does not change the digest."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class MemberDigest:
    """One file of the archive."""

    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`needs` is what the hooks require, such as the ids of key-encryption keys, never the keys."""

    made_at: str
    vendor: str
    version: str
    migrations: dict[str, list[str]]
    tables: dict[str, TableDigest]
    members: dict[str, MemberDigest]
    needs: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, indent=1)


def read(text: str) -> Manifest:
    """Parse a manifest. Raises ValueError where this version cannot read it."""
    found = json.loads(text)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError("It was made by another version of AetherCrown.")
    try:
        tables = {name: TableDigest(**each) for name, each in found.pop("tables").items()}
        members = {name: MemberDigest(**each) for name, each in found.pop("members").items()}
        return Manifest(**found, tables=tables, members=members)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("Its manifest is incomplete.") from error


def member(path: Path) -> MemberDigest:
    """A file's size and SHA-256."""
    with path.open("rb") as file:
        return MemberDigest(path.stat().st_size, file_digest(file, "sha256").hexdigest())


def table(rows: Iterable[bytes]) -> TableDigest:
    """Count rows and add up their SHA-256 modulo 2^256, which no order of the rows changes."""
    count, total = 0, 0
    for row in rows:
        count += 1
        total += int.from_bytes(sha256(row).digest(), "big")
    return TableDigest(count, f"{total % 2**256:064x}")


def differences(wanted: Mapping[str, TableDigest], found: Mapping[str, TableDigest]) -> list[str]:
    """A sentence for each table that differs."""
    words = []
    for name in sorted({*wanted, *found}):
        one, other = wanted.get(name), found.get(name)
        if one is None or other is None:
            words.append(
                f"{name} is only in the {'restored database' if one is None else 'back-up'}"
            )
        elif one.rows != other.rows:
            words.append(f"{name} has {other.rows} rows instead of {one.rows}")
        elif one.digest != other.digest:
            words.append(f"{name} has other contents")
    return words


def by_app(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The names of migrations, given as (app, name), by app."""
    found: dict[str, list[str]] = {}
    for app, name in rows:
        found.setdefault(app, []).append(name)
    return found
