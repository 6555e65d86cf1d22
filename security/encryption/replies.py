"""Answers kept for callers who ask again, sealed like any other secret."""

import json
from base64 import b64decode, b64encode
from uuid import NAMESPACE_URL, uuid5

from aethercrown.crypto.keyring import UnknownKek
from security.encryption import services
from security.encryption.ciphertext import Ciphertext, DecryptionFailed, EncryptionContext

KIND = "stored reply"


class Replies:
    """What `idempotency.seal_with` asks for."""

    def seal(self, text: str, about: str) -> str:
        box = services.seal(text, place(about))
        parts = [b64encode(each).decode() for each in (box.wrapped, box.sealed)]
        return json.dumps([box.kek_id, *parts])

    def opened(self, sealed: str, about: str) -> str | None:
        kek_id, *parts = json.loads(sealed)
        wrapped, content = (b64decode(each) for each in parts)
        try:
            return services.opened(Ciphertext(kek_id, wrapped, content), place(about))
        except (DecryptionFailed, UnknownKek):
            return None


def place(about: str) -> EncryptionContext:
    """Bound to the one reply: its name gives the owner."""
    return EncryptionContext(uuid5(NAMESPACE_URL, about), 1, KIND)
