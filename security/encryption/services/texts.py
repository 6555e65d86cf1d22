"""Encrypt single texts of any table with the keys of ENCRYPTION_KEYS, for crypto.sealing."""

from uuid import NAMESPACE_URL, uuid5

from security.encryption import ciphertext, reports
from security.encryption.ciphertext import EncryptionContext
from security.encryption.reports.keks import kek_of
from security.encryption.services import envelope

OWNER = uuid5(NAMESPACE_URL, "aethercrown sealed text")


def seal(text: str, context: str) -> str:
    return envelope.seal(text, context_of(context)).to_text()


def unseal(sealed: str, context: str) -> str:
    return reports.unseal(ciphertext.from_text(sealed), context_of(context))


def is_active(sealed: str) -> bool:
    return kek_of(sealed) == reports.keyring().active


def context_of(context: str) -> EncryptionContext:
    return EncryptionContext(OWNER, 1, context)
