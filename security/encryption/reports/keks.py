"""The key-encryption keys: those of the settings, those that rows need, and whether they fit."""

from collections import Counter
from functools import lru_cache

from django.apps import apps
from django.conf import settings
from django.db.models import Count

from aethercrown.crypto import keyring as keyrings
from aethercrown.crypto import sealing
from aethercrown.crypto.keyring import DecryptionFailed, Keyring
from aethercrown.formatting import counted
from security.encryption import ciphertext
from security.encryption.ciphertext import Ciphertext, EncryptionContext
from security.encryption.models import Kek, SealedRow


class WrongKek(Exception):
    """ENCRYPTION_KEYS has another key under a known id: nothing is encrypted with it."""


def keyring() -> Keyring:
    """The keys of ENCRYPTION_KEYS."""
    return _parsed(settings.ENCRYPTION_KEYS)


def unseal(sealed: Ciphertext, context: EncryptionContext) -> str:
    """Decrypt a secret. Raises DecryptionFailed."""
    return ciphertext.unseal(sealed, context, keyring())


def problems() -> list[str]:
    """KEKs that differ from the database's, and those that rows need and nobody has."""
    known = keyring()
    found = []
    for kek in Kek.objects.filter(kid__in=known.keys):
        try:
            check_canary(known, kek)
        except WrongKek as error:
            found.append(str(error))
    missing = {kid: rows for kid, rows in rows_by_kek().items() if kid not in known.keys and rows}
    found += [
        f"The key-encryption key {kid!r}, which ENCRYPTION_KEYS does not name, is needed for "
        f"{counted(rows, 'stored secret')}: put it back, behind the active one."
        for kid, rows in sorted(missing.items())
    ]
    return found


def rows_by_kek() -> dict[str, int]:
    """How many stored secrets need each KEK; one with 0 may be removed."""
    found = Counter(dict.fromkeys(keyring().keys, 0))
    for model in sealed_models():
        rows = model._default_manager.exclude(kek_id="").values("kek_id")  # noqa: SLF001 - documented
        for row in rows.annotate(rows=Count("pk")).order_by():
            found[row["kek_id"]] += row["rows"]
    for column in sealing.columns:
        found.update(kid for text in column.texts() if (kid := kek_of(text.sealed)))
    return dict(found)


def sealed_models() -> list[type[SealedRow]]:
    """Every table with encrypted rows; single texts are in `sealing.columns`."""
    return [model for model in apps.get_models() if issubclass(model, SealedRow)]


def kek_of(sealed: str) -> str:
    """The id of the KEK of a stored text; empty where the text is not of the form written."""
    try:
        return ciphertext.from_text(sealed).kek_id
    except DecryptionFailed:
        return ""


def check_canary(known: Keyring, kek: Kek) -> None:
    """Raises WrongKek where the canary of the database does not open with the key of that id."""
    try:
        ciphertext.decrypt(known.key(kek.kid), bytes(kek.canary), canary_aad(kek.kid))
    except DecryptionFailed:
        raise WrongKek(
            f"ENCRYPTION_KEYS has another key under the id {kek.kid!r} than the one that this "
            "database was written with: put the right one back, or give the new one a new id."
        ) from None


def canary_aad(kid: str) -> bytes:
    return f"v1|canary|{kid}".encode()


@lru_cache(maxsize=8)
def _parsed(text: str) -> Keyring:
    return keyrings.parse(text)
