"""Sessions in the database, under a keyed digest of the key that the browser holds.

A copy of the database, or a back-up, opens no session: the row's key is an HMAC under SECRET_KEY.
Settings name this module as SESSION_ENGINE.
"""

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import salted_hmac

SALT = "security.access.session_store"
MAX_DIGEST_CHARACTERS = 40  # what Django's column holds: 160 bits


def digest(session_key: str) -> str:
    """What is stored of a session's key."""
    return salted_hmac(SALT, session_key, algorithm="sha256").hexdigest()[:MAX_DIGEST_CHARACTERS]


class SessionStore(DatabaseStore):
    """Django's store, except that no row has the key itself."""

    def _get_session_from_db(self) -> Session | None:
        try:
            return Session.objects.get(
                session_key=digest(self.session_key or ""), expire_date__gt=timezone.now()
            )
        except Session.DoesNotExist:
            self._session_key = None
            return None

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    def create_model_instance(self, data: dict[str, object]) -> Any:
        row: Any = super().create_model_instance(data)
        row.session_key = digest(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(digest(key))
