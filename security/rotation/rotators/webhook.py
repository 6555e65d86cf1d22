"""Secrets that a receiver keeps: handed over by signed POST, proved by a challenge.

Every POST is signed with the value that works now. The receiver keeps the new value beside the
old one, and answers the challenge with HMAC-SHA256(new value, nonce): so nobody has to take its
word. `X-Signature` is over `timestamp.body`, as for every webhook of the platform.
"""

import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from aethercrown.http import addresses, outbound
from operations.messaging import signature
from security.rotation.registry import (
    InvalidConfig,
    OutcomeUnknown,
    RotationContext,
    Rotator,
    TargetRefused,
)
from security.rotation.rotators.generated import only, text

SECONDS = 10.0
LIMIT = 64 * 1024
PASSING = frozenset({408, 425, 429})
Fetch = Callable[..., outbound.Answer]


class Webhook(Rotator):
    """Hands the value to a receiver that keeps old and new side by side during the grace."""

    name = "webhook"
    title = "Signed delivery to a receiver"

    def __init__(
        self,
        fetch: Fetch = outbound.fetch,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.fetch = fetch
        self.clock = clock

    def check(self, config: Mapping[str, Any]) -> None:
        only(config, "url")
        try:
            addresses.place(text(config, "url"))
        except addresses.Refused as error:
            raise InvalidConfig("config.url", str(error)) from error

    def set(self, held: RotationContext) -> None:
        self._told(held, "key.set", value=held.value)

    def test(self, held: RotationContext) -> None:
        nonce = secrets.token_urlsafe(32)
        answer = self._told(held, "key.challenge", nonce=nonce)
        given = answer.get("answer") if isinstance(answer, dict) else None
        if not isinstance(given, str) or not hmac.compare_digest(
            proof(held.value, nonce).encode(), given.encode("utf-8", "replace")
        ):
            raise TargetRefused(
                "The receiver's answer to the challenge was not made with the new value."
            )

    def undo(self, held: RotationContext) -> None:
        self._told(held, "key.undo")

    def revoke(self, held: RotationContext) -> None:
        self._told(held, "key.revoke")

    def _told(self, held: RotationContext, event: str, **more: str) -> Any:
        """One signed POST; the JSON of its answer, None where that is none."""
        said = {"event": event, "key_id": held.key_id, "version": held.number, **more}
        body = json.dumps(said, separators=(",", ":")).encode()
        signing = held.current or held.value
        name = f"{held.key_id}:{held.number}:{event}:{secrets.token_hex(8)}"
        try:
            answer = self.fetch(
                held.config["url"],
                method="POST",
                headers=signature.headers(signing, name, body, self.clock()),
                body=body,
                seconds=SECONDS,
                limit=LIMIT,
            )
        except outbound.Refused as error:
            raise TargetRefused(str(error)) from error
        except (outbound.Unreachable, outbound.TooLarge) as error:
            raise OutcomeUnknown(str(error)) from error
        return understood(answer)


def proof(value: str, nonce: str) -> str:
    """What a receiver answers a challenge with, in hexadecimal."""
    return hmac.digest(value.encode(), nonce.encode(), "sha256").hex()


def understood(answer: outbound.Answer) -> Any:
    """The answer's JSON. Refused for a clear no, Unclear for whatever may be either."""
    if 200 <= answer.status < 300:
        try:
            return json.loads(answer.body)
        except ValueError:
            return None
    if 300 <= answer.status < 500 and answer.status not in PASSING:
        raise TargetRefused(f"The receiver answered {answer.status}.")
    raise OutcomeUnknown(f"The receiver answered {answer.status}.")
