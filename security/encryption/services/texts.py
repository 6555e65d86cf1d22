"""Encrypt single texts of any table, as `aethercrown.crypto.sealing` asks for."""

from uuid import NAMESPACE_URL, uuid5

from security.encryption import ciphertext
from security.encryption.ciphertext import EncryptionContext
from security.encryption.reports import unseal as unseal_ciphertext
from security.encryption.services.envelope import seal as seal_ciphertext

OWNER = uuid5(NAMESPACE_URL, "aethercrown sealed text")


class TextSealer:
    """Encrypts with the keys of ENCRYPTION_KEYS."""

    def seal(self, text: str, context: str) -> str:
        return seal_ciphertext(text, context_of(context)).to_text()

    def unseal(self, sealed: str, context: str) -> str:
        return unseal_ciphertext(ciphertext.from_text(sealed), context_of(context))


def context_of(context: str) -> EncryptionContext:
    return EncryptionContext(OWNER, 1, context)
