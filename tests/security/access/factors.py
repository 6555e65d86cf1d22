"""People with a second factor, and the codes of their apps."""

import time

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value

from aethercrown.http import sessions

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - a test's own


def with_app(user) -> Authenticator:
    """Give `user` an authenticator app that knows SECRET, and recovery codes."""
    RecoveryCodes.activate(user)
    return TOTP.activate(user, SECRET).instance


def signed_in(client, user) -> None:
    """Sign `user` in with the second factor, as after the page that asks for a code."""
    client.force_login(user)
    session = client.session
    sessions.mark_second_factor(session, user.pk)
    session.save()


def code(secret: str = SECRET, left: float = 1.0) -> str:
    """What the app shows now; waits for the next where fewer than `left` seconds are left of it."""
    while 30 - time.time() % 30 < left:
        time.sleep(0.1)
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
