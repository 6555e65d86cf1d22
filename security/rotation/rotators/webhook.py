"""Secrets of a webhook receiver: delivered by signed POST and verified by a challenge.

Every POST is signed with the current value. The receiver stores the new value beside the old
one and answers the challenge with HMAC-SHA256(new value, nonce), which proves that it has it.
`X-Signature` covers `timestamp.body`, as in every webhook of the platform.
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
    PLAIN,
    REFUSED,
    WEBHOOK,
    WRONG_ANSWER,
    DeliveryChannel,
    InvalidConfig,
    OutcomeUnknown,
    RotationContext,
    Rotator,
    TargetAddress,
    TargetRefused,
)
from security.rotation.rotators.generated import allow_only, text

TIMEOUT_SECONDS = 10.0
MAX_RESPONSE_BYTES = 64 * 1024
TEMPORARY_STATUSES = frozenset({408, 425, 429})
Fetch = Callable[..., outbound.OutboundResponse]


class Webhook(DeliveryChannel, Rotator):
    """Delivers values to a receiver that accepts old and new during the grace."""

    name = "webhook"
    title = "Signed delivery to a receiver"
    delivers = True

    def __init__(
        self,
        fetch: Fetch = outbound.fetch,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.fetch = fetch
        self.clock = clock

    def validate_config(self, config: Mapping[str, Any]) -> None:
        allow_only(config, "url")
        try:
            addresses.parse_url(text(config, "url"), ports=addresses.ALL_PORTS)
        except addresses.AddressRefused as error:
            raise InvalidConfig("config.url", str(error)) from error

    def uses(self, key_id: str, config: Mapping[str, Any]) -> tuple[tuple[str, TargetAddress], ...]:
        return ((key_id, receiver(config)),)

    def described(self, context: RotationContext) -> str:
        return f"version {context.number} at the receiver {receiver(context.config)}"

    def set(self, context: RotationContext) -> None:
        self._post(context, "key.set", value=context.value)

    def test(self, context: RotationContext) -> None:
        nonce = secrets.token_urlsafe(32)
        answer = self._post(context, "key.challenge", nonce=nonce)
        given = answer.get("answer") if isinstance(answer, dict) else None
        if not isinstance(given, str) or not hmac.compare_digest(
            challenge_answer(context.value, nonce).encode(), given.encode("utf-8", "replace")
        ):
            raise TargetRefused(WRONG_ANSWER)

    def undo(self, context: RotationContext) -> None:
        self._post(context, "key.undo")

    def revoke(self, context: RotationContext) -> None:
        self._post(context, "key.revoke")

    def _post(self, context: RotationContext, event: str, **more: str) -> Any:
        """Send one signed POST; the JSON of the response, None if it is no JSON."""
        payload = {"event": event, "key_id": context.key_id, "version": context.number, **more}
        body = json.dumps(payload, separators=(",", ":")).encode()
        signing = context.current or context.value
        if not signing:
            raise TargetRefused("No value is left to sign with: end it at the receiver.")
        terms = context.terms(receiver(context.config))
        name = f"{context.key_id}:{context.number}:{event}:{secrets.token_hex(8)}"
        try:
            answer = self.fetch(
                context.config["url"],
                method="POST",
                headers=signature.headers(signing, name, body, self.clock()),
                body=body,
                seconds=TIMEOUT_SECONDS,
                limit=MAX_RESPONSE_BYTES,
                allowed=terms.networks,
            )
        except outbound.AddressRefused as error:
            raise TargetRefused(REFUSED) from error
        except (outbound.Unreachable, outbound.ResponseTooLarge) as error:
            raise OutcomeUnknown(PLAIN[outbound.outcome(error)]) from error
        said = parse_response(answer)
        if says_no(said):
            raise TargetRefused(WRONG_ANSWER)
        return said


def challenge_answer(value: str, nonce: str) -> str:
    """The expected answer to a challenge, in hexadecimal."""
    return hmac.digest(value.encode(), nonce.encode(), "sha256").hex()


def parse_response(answer: outbound.OutboundResponse) -> Any:
    """The response's JSON. Raises TargetRefused or, if it may have acted, OutcomeUnknown."""
    if 200 <= answer.status < 300:
        try:
            return json.loads(answer.body)
        except ValueError:
            return None
    if 300 <= answer.status < 500 and answer.status not in TEMPORARY_STATUSES:
        raise TargetRefused(WRONG_ANSWER)
    raise OutcomeUnknown(WRONG_ANSWER)


def says_no(said: Any) -> bool:
    """Whether a JSON object reports an error although the status is that of a success."""
    if not isinstance(said, dict):
        return False
    denied = any(said.get(name) is False for name in ("ok", "success"))
    return denied or any(bool(said.get(name)) for name in ("error", "errors"))


def receiver(config: Mapping[str, Any]) -> TargetAddress:
    """The receiver's host and port."""
    where = addresses.parse_url(config["url"], ports=addresses.ALL_PORTS)
    return TargetAddress(WEBHOOK, where.host, where.port)
